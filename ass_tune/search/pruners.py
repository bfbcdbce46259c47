"""The pruner of a study; its steps are training iterations."""

from __future__ import annotations

import warnings
from functools import reduce
from typing import Any

from optuna.exceptions import ExperimentalWarning
from optuna.pruners import BasePruner

from ass_tune.spec import StudySpec
from ass_tune.spec.catalogue import PRUNERS
from ass_tune.spec.model import Around, Prune


def make_pruner(spec: StudySpec) -> BasePruner:
    """The pruner that the search-space file names; arguments that it leaves open come from its other fields."""
    with warnings.catch_warnings(action="ignore", category=ExperimentalWarning):
        return _make(spec, spec.prune)


def _make(spec: StudySpec, part: Prune | Around) -> BasePruner:
    row = PRUNERS[part.pruner]
    arguments: dict[str, Any] = {name: _field(spec, dotted) for name, dotted in row.from_file.items()}
    if row.wraps:
        around = spec.prune.around
        arguments["wrapped_pruner"] = None if around is None else _make(spec, around)
    return row.optuna_class(**{**arguments, **part.arguments})


def _field(spec: StudySpec, dotted: str) -> Any:
    return reduce(getattr, dotted.split("."), spec)
