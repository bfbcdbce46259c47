"""Hyperparameters of a cell in Optuna's terms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import optuna

from ass_tune.spec.hyperparameters import Choice, Grid, Integer, LogUniform, Uniform
from ass_tune.spec.space import Variable
from trainables.config import Value


def suggest(trial: optuna.Trial, space: Sequence[Variable]) -> dict[str, Value]:
    """Let the trial choose a value for every variable that is active given those before it."""
    chosen: dict[str, Value] = {}
    for variable in space:
        if variable.active(chosen):
            chosen[variable.name] = _SUGGEST[type(variable.domain)](trial, variable.name, variable.domain)
    return chosen


def _uniform(trial: optuna.Trial, name: str, domain: Uniform) -> Value:
    return trial.suggest_float(name, domain.low, domain.high)


def _log_uniform(trial: optuna.Trial, name: str, domain: LogUniform) -> Value:
    return trial.suggest_float(name, domain.low, domain.high, log=True)


def _integer(trial: optuna.Trial, name: str, domain: Integer) -> Value:
    return trial.suggest_int(name, domain.low, domain.high, step=domain.step, log=domain.log)


def _one_of(trial: optuna.Trial, name: str, domain: Choice | Grid) -> Value:
    return trial.suggest_categorical(name, domain.values_)


_SUGGEST: Mapping[type, Callable[[optuna.Trial, str, Any], Value]] = {
    Uniform: _uniform,
    LogUniform: _log_uniform,
    Integer: _integer,
    Choice: _one_of,
    Grid: _one_of,
}
