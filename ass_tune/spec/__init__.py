"""The search-space file: its model, its mistakes and how it is read. Imports neither torch nor Ray nor Optuna."""

from ass_tune.spec.errors import SpecError, SpecErrors
from ass_tune.spec.loading import load
from ass_tune.spec.model import StudySpec
from ass_tune.spec.schema import json_schema

__all__ = ["SpecError", "SpecErrors", "StudySpec", "json_schema", "load"]
