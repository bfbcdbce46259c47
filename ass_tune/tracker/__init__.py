"""The record for people: everything that happens in a study, on disk at once and in MLflow as soon as it answers."""
