"""Pruners of Optuna: each works in a study, and the median one prunes exactly what the median says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import optuna
import pytest

from ass_tune.search.pruners import make_pruner
from ass_tune.spec import StudySpec
from ass_tune.spec.catalogue import PRUNERS
from trainables.words import Outcome, Stage

Spec = Callable[..., StudySpec]
RANDOM = {"sampler": "random", "trials_per_cell": 12}
PRUNES = {
    "none": {"pruner": "none"},
    "median": {"pruner": "median", "startup_trials": 2},
    "percentile": {"pruner": "percentile", "startup_trials": 2, "arguments": {"percentile": 25.0}},
    "successive_halving": {"pruner": "successive_halving", "arguments": {"reduction_factor": 2}},
    "hyperband": {"pruner": "hyperband", "arguments": {"reduction_factor": 2}},
    "threshold": {"pruner": "threshold", "arguments": {"lower": 20.0}},
    "patient": {
        "pruner": "patient",
        "arguments": {"patience": 0},
        "around": {"pruner": "median", "arguments": {"n_min_trials": 1}},
    },
    "patient alone": {"pruner": "patient", "arguments": {"patience": 1}},
}


def test_every_pruner_of_the_file_format_is_tried_here() -> None:
    assert {prune["pruner"] for prune in PRUNES.values()} == PRUNERS.keys()


@pytest.mark.costly
@pytest.mark.parametrize("name", PRUNES)
def test_a_study_runs_with_every_pruner(spec: Spec, driven: Callable, name: str) -> None:
    wanted = spec(prune=PRUNES[name], search=RANDOM, fixed={"noise": 2.0})
    study = driven(wanted).run(3, order=4)
    outcomes = [study.ends()[trial.key].outcome for trial in study.trials(Stage.TUNING)]
    assert len(outcomes) == 6 * 12
    assert (Outcome.PRUNED in outcomes) is (name != "none")
    assert outcomes.count(Outcome.FINISHED) >= 6
    again = driven(wanted).run(3, order=4)
    assert [study.ends()[trial.key].outcome for trial in again.trials(Stage.TUNING)] == outcomes


@pytest.mark.parametrize("percentile", [None, 25.0, 75.0])
@pytest.mark.parametrize(("slots", "start"), [(1, 0.0), (4, 0.0), (4, 0.55)])
def test_pruned_are_exactly_the_trials_below_the_percentile_of_their_cell(
    spec: Spec, driven: Callable, percentile: float | None, slots: int, start: float
) -> None:
    startup = 3
    prune: dict[str, Any] = {"pruner": "median", "start": start, "startup_trials": startup}
    if percentile is not None:
        prune |= {"pruner": "percentile", "arguments": {"percentile": percentile}}
    study = driven(spec(prune=prune, search=RANDOM)).run(slots, order=slots)

    # the events once more, with nothing but numpy: which trials fall below what completed ones of their cell had
    curves: dict[str, dict[int, float]] = {trial.key: {} for trial in study.trials()}
    completed: dict[str, list[str]] = {search.plan.cell.name: [] for search in study.searches}
    expected, pruned = {}, {}
    for kind, trial, what in study.events:
        if trial.stage is Stage.REPLICATE:
            continue
        if kind == "report":
            curves[trial.key][what.iteration] = what.value
            peers = [curves[key][what.iteration] for key in completed[trial.cell.name]]
            if len(peers) >= startup and 100 * start <= what.iteration < 100:
                bar = np.percentile(peers, 100 - (percentile or 50.0))
                if max(curves[trial.key].values()) < bar:
                    expected[trial.key] = what.iteration
        elif kind == "end" and what.outcome is Outcome.PRUNED:
            pruned[trial.key] = what.iteration
        elif kind == "end":
            completed[trial.cell.name].append(trial.key)
    assert pruned == expected
    assert len(pruned) > 5


def test_startup_trials_and_rungs_come_from_the_file(spec: Spec) -> None:
    startup = make_pruner(spec(prune={"pruner": "median", "startup_trials": 7}))
    assert isinstance(startup, optuna.pruners.MedianPruner)
    assert startup._n_startup_trials == 7
    halving = make_pruner(spec(prune={"pruner": "successive_halving"}))
    assert isinstance(halving, optuna.pruners.SuccessiveHalvingPruner)
    assert halving._min_resource == 10
    hyperband = make_pruner(spec(prune={"pruner": "hyperband"}))
    assert isinstance(hyperband, optuna.pruners.HyperbandPruner)
    assert (hyperband._min_resource, hyperband._max_resource) == (10, 100)


def test_arguments_of_the_file_go_before_what_is_filled_in(spec: Spec) -> None:
    prune = {"pruner": "hyperband", "arguments": {"min_resource": 20, "max_resource": 80, "reduction_factor": 4}}
    pruner = make_pruner(spec(prune=prune))
    assert isinstance(pruner, optuna.pruners.HyperbandPruner)
    assert (pruner._min_resource, pruner._max_resource, pruner._reduction_factor) == (20, 80, 4)


def test_patience_waits_for_the_pruner_that_it_is_around(spec: Spec) -> None:
    pruner = make_pruner(spec(prune={**PRUNES["patient"], "startup_trials": 5}))
    assert isinstance(pruner, optuna.pruners.PatientPruner)
    assert isinstance(pruner._wrapped_pruner, optuna.pruners.MedianPruner)
    assert pruner._wrapped_pruner._n_startup_trials == 5


def test_a_patient_pruner_spares_trials_that_still_rise(spec: Spec, driven: Callable) -> None:
    around = {"pruner": "threshold", "arguments": {"lower": 1000.0}}
    prune = {"pruner": "patient", "arguments": {"patience": 2}, "around": around}
    rising = driven(spec(prune=prune, search=RANDOM, fixed={"noise": 0.0})).run()
    assert Outcome.PRUNED not in {end.outcome for end in rising.ends().values()}
    rough = driven(spec(prune=prune, search=RANDOM, fixed={"noise": 20.0})).run()
    assert Outcome.PRUNED in {end.outcome for end in rough.ends().values()}
