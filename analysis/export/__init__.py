"""A study as Parquet files, and the way back into an MLflow."""
