"""Names and values in the form that MLflow permits and people read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ass_tune.trial import Trial
from trainables.words import Cell, format_value, level_texts

LONGEST_NAME = 250
LONGEST_PARAMETER = 6000
LONGEST_TAG = 8000
_FORBIDDEN = re.compile(r"[^/\w.\- :]")
_UPWARDS = re.compile(r"^\.\.")
"""MLflow takes every name that begins so for a path out of its folder."""


@lru_cache(maxsize=10_000)  # each report has the names of the one before
def mlflow_name(name: str) -> str:
    """A metric, parameter or tag name without what MLflow refuses: odd characters, empty or dotted path parts."""
    parts = (part for part in _FORBIDDEN.sub("_", name).split("/") if part)
    safe = "/".join("_" * len(part) if set(part) == {"."} else part for part in parts)
    return _UPWARDS.sub("__", safe or "_")[:LONGEST_NAME].rstrip("/")


def mlflow_value(value: Any, longest: int = LONGEST_PARAMETER) -> str:
    """A parameter's or tag's value as text that can be sent; what is too long ends in an ellipsis."""
    plain = value is None or isinstance(value, bool | int | float | str)
    text = format_value(value) if plain else json.dumps(value, default=str)
    text = text.encode(errors="replace").decode()
    return text if len(text) <= longest else text[: longest - 1] + "…"


def parameters(values: Mapping[str, Any]) -> dict[str, str]:
    """Parameters as MLflow takes them."""
    return {mlflow_name(name): mlflow_value(value) for name, value in values.items()}


def tags(values: Mapping[str, Any]) -> dict[str, str]:
    """Tags as MLflow takes them."""
    return {mlflow_name(name): mlflow_value(value, LONGEST_TAG) for name, value in values.items()}


def row_name(cell: Cell) -> str:
    """A row of the table in few words, e.g. `ga+csa · 50 labels`: lists and legends of MLflow are narrow."""
    return mlflow_value(" · ".join(level_texts(cell.factors)) or cell.name, LONGEST_NAME)


def run_name(trial: Trial) -> str:
    """What the list of runs shows, e.g. `ga+csa · 50 labels · tuning 3`."""
    return mlflow_value(" · ".join([*level_texts(trial.cell.factors), f"{trial.stage} {trial.number}"]), LONGEST_NAME)
