"""The format of an exported study: which Parquet files it has, and how a study is packed into them."""
