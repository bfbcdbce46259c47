"""Hyperparameter and ablation studies of semi-supervised domain adaptation, on Ray Tune, Optuna and MLflow."""
