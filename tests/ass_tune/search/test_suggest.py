"""Hyperparameters of a file as Optuna's distributions."""

from __future__ import annotations

from collections.abc import Callable

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from ass_tune.search.cells import cells
from ass_tune.search.suggest import suggest
from ass_tune.spec import StudySpec

Spec = Callable[..., StudySpec]


def ask(**fixed: object) -> optuna.Trial:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=3))
    study.enqueue_trial(fixed)
    return study.ask()


def test_every_kind_has_its_distribution(spec: Spec) -> None:
    tune = {
        "noise": {"type": "uniform", "low": 0, "high": 2.0},
        "lr": {"type": "log_uniform", "low": 0.01, "high": 0.1},
        "labeled_images": {"type": "int", "low": 5, "high": 50, "step": 5},
        "fail_at": {"type": "int", "low": 1, "high": 64, "log": True},
        "diverge_at": {"type": "choice", "values": [None, 10]},
        "adaptor": {"type": "grid", "values": ["joint", "ga"]},
    }
    study = spec(ablate={}, tune=tune)
    trial = ask()
    [plan] = cells(study)[0]
    chosen = suggest(trial, plan.space)
    assert trial.distributions == {
        "noise": FloatDistribution(0.0, 2.0),
        "lr": FloatDistribution(0.01, 0.1, log=True),
        "labeled_images": IntDistribution(5, 50, step=5),
        "fail_at": IntDistribution(1, 64, log=True),
        "diverge_at": CategoricalDistribution((None, 10)),
        "adaptor": CategoricalDistribution(("joint", "ga")),
    }
    assert chosen == trial.params


@pytest.mark.parametrize(("adaptor", "active"), [("ga", {"adaptor"}), ("ga+csa", {"adaptor", "lambda_sadv"})])
def test_a_variable_without_effect_is_not_suggested(spec: Spec, adaptor: str, active: set[str]) -> None:
    tune = {
        "adaptor": {"type": "choice", "values": ["ga", "ga+csa"]},
        "lambda_sadv": {"type": "uniform", "low": 0.0, "high": 1.0},
    }
    study = spec(ablate={}, tune=tune)
    trial = ask(adaptor=adaptor)
    assert suggest(trial, cells(study)[0][0].space).keys() == active == trial.params.keys()


def test_a_decided_point_is_taken_as_it_is(spec: Spec) -> None:
    study = spec(ablate={"adaptor": ["ga+csa"]})
    point = {"lambda_sadv": 0.1 + 0.2, "lr": 0.03}
    trial = ask(**point)
    assert suggest(trial, cells(study)[0][0].space) == point
