"""The tables of arguments agree with the installed Optuna."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import optuna
import pytest

from ass_tune.spec.optuna_arguments import ELSEWHERE, PRUNERS, REQUIRED, SAMPLERS

CLASSES: Mapping[str, type] = {
    "tpe": optuna.samplers.TPESampler,
    "gp": optuna.samplers.GPSampler,
    "cmaes": optuna.samplers.CmaEsSampler,
    "random": optuna.samplers.RandomSampler,
    "qmc": optuna.samplers.QMCSampler,
    "grid": optuna.samplers.GridSampler,
    "median": optuna.pruners.MedianPruner,
    "percentile": optuna.pruners.PercentilePruner,
    "successive_halving": optuna.pruners.SuccessiveHalvingPruner,
    "hyperband": optuna.pruners.HyperbandPruner,
    "patient": optuna.pruners.PatientPruner,
    "threshold": optuna.pruners.ThresholdPruner,
    "wilcoxon": optuna.pruners.WilcoxonPruner,
}
OBJECTS = {"gamma", "weights", "constraints_func", "independent_sampler", "source_trials", "x0"}
DEPRECATED = {"consider_prior", "consider_magic_clip", "consider_endpoints", "restart_strategy", "inc_popsize"}
BY_STUDY = {"n_startup_trials"}


def parameters(name: str) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(CLASSES[name]).parameters


@pytest.mark.parametrize("name", CLASSES)
def test_the_table_has_every_argument_that_a_file_can_express(name: str) -> None:
    table: Mapping[str, Any] = {**SAMPLERS, **PRUNERS}[name]
    elsewhere = OBJECTS | DEPRECATED | set(ELSEWHERE) | (BY_STUDY if name in PRUNERS else set())
    assert set(table) == set(parameters(name)) - elsewhere


@pytest.mark.parametrize("name", [name for name in CLASSES if name in PRUNERS])
def test_arguments_without_a_default_are_required(name: str) -> None:
    without = [key for key, parameter in parameters(name).items() if parameter.default is inspect.Parameter.empty]
    assert REQUIRED.get(name, ()) == tuple(key for key in without if key not in ELSEWHERE)
