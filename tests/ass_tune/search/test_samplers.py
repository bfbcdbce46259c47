"""Samplers are pure functions of seed, cell, number and ledger."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import optuna
import pytest

from ass_tune.search.samplers import check_sampler, make_sampler
from ass_tune.spec import StudySpec
from ass_tune.spec.catalogue import SAMPLERS
from ass_tune.trial import Trial
from trainables.mistakes import UserMistake
from trainables.words import Outcome, Stage

Spec = Callable[..., StudySpec]
MODELS = {name: {"n_startup_trials": 2} for name in ("tpe", "gp", "cmaes")}
SPACE = {
    "lr": {"type": "log_uniform", "low": 0.01, "high": 0.1},
    "noise": {"type": "uniform", "low": 0.0, "high": 1.0},
    "labeled_images": {"type": "int", "low": 5, "high": 50, "step": 5},
    "adaptor": {"type": "choice", "values": ["joint", "ga"]},
}
ONE_CELL = {"adaptor": ["ga+csa"], "labeled_images": [5]}


def history() -> optuna.Study:
    """Four trials of a cell: three that ended, one that runs."""
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=1))
    for value in (30.0, 40.0, 35.0):
        study.tell(_suggested(study), value)
    _suggested(study)
    return study


def _suggested(study: optuna.Study) -> optuna.Trial:
    trial = study.ask()
    trial.suggest_float("lr", 0.01, 0.1, log=True)
    trial.suggest_int("labeled_images", 5, 50, step=5)
    trial.suggest_float("noise", 0.0, 1.0)
    return trial


def suggestion(name: str, seed: int = 0, cell: str = "adaptor=ga", number: int = 4) -> dict[str, Any]:
    study = history()
    study.sampler = make_sampler(name, MODELS.get(name, {}), seed, cell, number)
    return _suggested(study).params


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_suggestion_is_a_function_of_seed_cell_number_and_ledger(name: str) -> None:
    assert suggestion(name) == suggestion(name)


@pytest.mark.parametrize("name", SAMPLERS)
def test_seeds_and_cells_draw_independently(name: str) -> None:
    seen = [suggestion(name), suggestion(name, seed=1), suggestion(name, cell="adaptor=joint")]
    assert len({tuple(params.values()) for params in seen}) == 3


@pytest.mark.parametrize("name", sorted(SAMPLERS.keys() - {"qmc"}))
def test_each_number_draws_anew(name: str) -> None:
    assert suggestion(name, number=4) != suggestion(name, number=5)


def test_the_points_of_qmc_are_one_sequence(spec: Spec, driven: Callable) -> None:
    tune = {"noise": {"type": "uniform", "low": 0.0, "high": 1.0}}
    search = {"sampler": "qmc", "trials_per_cell": 9}
    study = driven(spec(ablate=ONE_CELL, tune=tune, search=search)).run()
    points = [trial.hyperparameters["noise"] for trial in study.trials(Stage.TUNING)]
    # of a Sobol sequence, each block of eight has one point in each eighth; the first trial of all is drawn at random
    assert sorted(int(point * 8) for point in points[1:]) == list(range(8))


@pytest.mark.parametrize("name", SAMPLERS)
def test_no_global_random_state_is_touched(name: str) -> None:
    suggestion(name)  # imports what it needs
    before = random.getstate(), np.random.get_state()
    torch = pytest.importorskip("torch") if name == "gp" else None
    of_torch = torch.get_rng_state().tolist() if torch else None
    suggestion(name)
    assert random.getstate() == before[0]
    for now, then in zip(np.random.get_state(), before[1], strict=True):
        np.testing.assert_array_equal(now, then)
    assert (torch.get_rng_state().tolist() if torch else None) == of_torch


@pytest.mark.parametrize("name", sorted(SAMPLERS.keys() - {"grid"}))
def test_a_study_runs_with_every_sampler(spec: Spec, driven: Callable, name: str) -> None:
    budget = 4 if name == "gp" else 8
    search = {"sampler": name, "trials_per_cell": budget, "arguments": MODELS.get(name, {})}
    study = driven(spec(ablate={}, tune=SPACE, search=search)).run(2, order=1)
    tuned = study.trials(Stage.TUNING)
    assert len({trial.key for trial in tuned}) == len(tuned) == budget
    assert {end.outcome for end in study.ends().values()} == {Outcome.FINISHED}
    assert all(trial.hyperparameters.keys() == SPACE.keys() for trial in tuned)


def test_a_model_finds_better_configurations_than_it_began_with(
    spec: Spec, driven: Callable, miou_of: Callable[[Trial, int], float]
) -> None:
    tune = {"lambda_sadv": {"type": "log_uniform", "low": 0.001, "high": 1000.0}}
    search = {"sampler": "tpe", "trials_per_cell": 30, "arguments": {"n_startup_trials": 6}}
    study = driven(spec(ablate=ONE_CELL, tune=tune, search=search)).run()
    mious = [miou_of(trial, 100) for trial in study.trials(Stage.TUNING)]
    assert np.median(mious[-10:]) > np.median(mious[:6]) + 2


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("tpe", {"multivariate": False}),
        ("tpe", {"multivariate": False, "group": False, "constant_liar": False, "n_ei_candidates": 8}),
        ("tpe", {"group": False}),
        ("qmc", {"qmc_type": "halton", "scramble": False}),
        ("cmaes", {"sigma0": 0.2, "popsize": 4, "with_margin": True}),
        ("cmaes", {"use_separable_cma": True}),
        ("gp", {"deterministic_objective": True}),
    ],
    ids=str,
)
def test_arguments_of_a_file_reach_optuna(name: str, arguments: dict[str, Any]) -> None:
    assert arguments.keys() <= SAMPLERS[name].arguments.keys()
    study = history()
    study.sampler = make_sampler(name, {**MODELS.get(name, {}), **arguments}, 0, "adaptor=ga", 4)
    assert 0.01 <= _suggested(study).params["lr"] <= 0.1


def test_a_sampler_whose_package_is_missing_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "cmaes", None)
    with pytest.raises(UserMistake, match="sampler cmaes needs the package cmaes"):
        check_sampler("cmaes")
