"""Where a study is read from: MLflow, by its database or through its API, or an export."""
