"""A study as MLflow has it, read from its database or through its API."""
