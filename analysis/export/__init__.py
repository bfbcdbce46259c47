"""A study as Parquet files, and the ways back: as a study, and into an MLflow."""
