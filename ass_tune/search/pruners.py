"""Optuna's pruners by name; their steps are iterations."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import optuna
from optuna.pruners import BasePruner

from ass_tune.spec import StudySpec


def make_pruner(spec: StudySpec) -> BasePruner:
    """The pruner that the search-space file names, with what it leaves open filled in from `train:`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        if spec.prune.pruner == "patient":
            return _patient(spec)
        return _simple(spec.prune.pruner, spec.prune.arguments, spec)


def _simple(name: str, arguments: Mapping[str, Any], spec: StudySpec) -> BasePruner:
    make, defaults = PRUNERS[name]
    return make(**{**defaults(spec), **arguments})


def _patient(spec: StudySpec) -> BasePruner:
    around = spec.prune.around
    wrapped = _simple(around.pruner, around.arguments, spec) if around else None
    arguments: dict[str, Any] = dict(spec.prune.arguments)
    return optuna.pruners.PatientPruner(wrapped, **arguments)


def _nothing(_: StudySpec) -> dict[str, Any]:
    return {}


def _startup(spec: StudySpec) -> dict[str, Any]:
    return {"n_startup_trials": spec.prune.startup_trials}


def _first_rung(spec: StudySpec) -> dict[str, Any]:
    return {"min_resource": spec.train.evaluate_every}


def _rungs(spec: StudySpec) -> dict[str, Any]:
    return {"min_resource": spec.train.evaluate_every, "max_resource": spec.train.iterations}


PRUNERS: Mapping[str, tuple[Callable[..., BasePruner], Callable[[StudySpec], dict[str, Any]]]] = {
    "none": (optuna.pruners.NopPruner, _nothing),
    "median": (optuna.pruners.MedianPruner, _startup),
    "percentile": (optuna.pruners.PercentilePruner, _startup),
    "successive_halving": (optuna.pruners.SuccessiveHalvingPruner, _first_rung),
    "hyperband": (optuna.pruners.HyperbandPruner, _rungs),
    "threshold": (optuna.pruners.ThresholdPruner, _nothing),
    "wilcoxon": (optuna.pruners.WilcoxonPruner, _nothing),
}
