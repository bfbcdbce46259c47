"""What a cell runs next: no point twice, grids whole, the best configuration, pruning only where the file says."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from optuna.trial import TrialState

from ass_tune.spec import StudySpec
from ass_tune.trial import End, Report
from trainables.words import Outcome, Stage

Spec = Callable[..., StudySpec]
CELL = {"adaptor": ["ga+csa"], "labeled_images": [5]}
LR = [round(0.01 * step, 2) for step in range(1, 7)]
SADV = [0.1, 1.0, 10.0, 100.0]
POINTS = {
    "lr": {"type": "choice", "values": LR},
    "lambda_sadv": {"type": "choice", "values": SADV},
}


def chosen(trials: list[Any]) -> list[tuple[Any, ...]]:
    return [tuple(trial.hyperparameters[name] for name in POINTS) for trial in trials]


@pytest.mark.parametrize("sampler", ["tpe", "cmaes", "random", "qmc"])
@pytest.mark.parametrize("seed", range(2))
def test_every_point_of_a_finite_space_is_tried_once(spec: Spec, driven: Callable, sampler: str, seed: int) -> None:
    search = {"sampler": sampler, "seed": seed, "trials_per_cell": 24}
    study = driven(spec(ablate=CELL, tune=POINTS, search=search, replicate={"seeds": [0]})).run(3, order=seed)
    assert sorted(chosen(study.trials(Stage.TUNING))) == sorted(itertools.product(LR, SADV))


def test_the_last_point_of_a_large_space_is_found_too(spec: Spec, driven: Callable) -> None:
    tune = {"labeled_images": {"type": "int", "low": 1, "high": 120}}
    search = {"sampler": "random", "trials_per_cell": 120}
    train = {"iterations": 10, "evaluate_every": 10}
    study = driven(spec(ablate={}, tune=tune, search=search, train=train, replicate={"seeds": [0]})).run()
    assert sorted(trial.config["labeled_images"] for trial in study.trials(Stage.TUNING)) == list(range(1, 121))


def test_a_repeated_suggestion_is_closed_untrained_and_names_its_twin(spec: Spec, driven: Callable) -> None:
    tune = {"lr": {"type": "choice", "values": LR}}
    study = driven(spec(ablate=CELL, tune=tune, search={"sampler": "random", "trials_per_cell": 6})).run()
    keys = [trial.key for trial in study.trials(Stage.TUNING)]
    assert len(keys) == len(set(keys)) == 6
    closed = [trial for trial in study.optuna(study.searches[0].plan.cell) if "key" not in trial.user_attrs]
    assert closed
    for trial in closed:
        assert trial.state is TrialState.FAIL
        assert trial.user_attrs["duplicate_of"] in keys
        assert trial.intermediate_values == {}


@pytest.mark.parametrize("sampler", ["tpe", "grid"])
def test_a_cell_with_fewer_trials_than_points_ends_when_it_has_them_all(
    spec: Spec, driven: Callable, sampler: str
) -> None:
    # a parent that has a `when` of its own gives no implied condition, so the plan counts lambda_sadv under ga too
    tune = {
        "labeled_images": {"type": "choice", "values": [5, 50]},
        "adaptor": {"type": "choice", "values": ["ga+csa", "ga"], "when": {"labeled_images": [5, 50]}},
        "lambda_sadv": {"type": "choice", "values": SADV, "when": {"labeled_images": [5, 50]}},
    }
    study = driven(
        spec(ablate={}, tune=tune, search={"sampler": sampler, "trials_per_cell": 16}, replicate={"seeds": [0, 1]})
    ).run(2)
    [search] = study.searches
    assert search.plan.points == 16
    tried = [(trial.config["labeled_images"], trial.config["adaptor"]) for trial in study.trials(Stage.TUNING)]
    assert {pair: tried.count(pair) for pair in tried} == {
        (5, "ga+csa"): 4,
        (50, "ga+csa"): 4,
        (5, "ga"): 1,
        (50, "ga"): 1,
    }
    assert len(study.trials(Stage.REPLICATE)) == 2
    assert study.director.next_trial() is None


def test_a_grid_is_run_in_file_order(spec: Spec, driven: Callable) -> None:
    tune = {name: {"type": "grid", "values": values["values"]} for name, values in POINTS.items()}
    study = driven(spec(ablate=CELL, tune=tune, search={"sampler": "grid"})).run()
    assert chosen(study.trials(Stage.TUNING)) == list(itertools.product(LR, SADV))


def test_part_of_a_grid_is_a_seeded_subset_of_its_own_for_every_cell(spec: Spec, driven: Callable) -> None:
    tune = {name: {"type": "grid", "values": values["values"]} for name, values in POINTS.items()}
    ablate = {"adaptor": ["ga+csa"], "labeled_images": [5, 50]}

    def tried(seed: int) -> list[list[tuple[Any, ...]]]:
        search = {"sampler": "grid", "trials_per_cell": 7, "seed": seed}
        study = driven(spec(ablate=ablate, tune=tune, search=search)).run(2)
        return [chosen(study.trials(Stage.TUNING, search.plan.cell)) for search in study.searches]

    few, many = tried(0)
    assert len(set(few)) == len(set(many)) == 7
    assert set(few) | set(many) <= set(itertools.product(LR, SADV))
    assert set(few) != set(many)
    assert tried(0) == [few, many]
    assert tried(1) != [few, many]


def test_conditions_hold_in_every_suggestion(spec: Spec, driven: Callable) -> None:
    tune = {
        "lr": {"type": "uniform", "low": 0.01, "high": 0.1},
        "adaptor": {"type": "choice", "values": ["joint", "ga+csa"]},
        "lambda_sadv": {"type": "log_uniform", "low": 0.1, "high": 10.0},
        "noise": {"type": "uniform", "low": 0.0, "high": 1.0, "when": {"adaptor": ["joint"]}},
    }
    study = driven(spec(ablate={}, tune=tune, search={"sampler": "tpe", "trials_per_cell": 20})).run(2)
    active = {"joint": {"lr", "adaptor", "noise"}, "ga+csa": {"lr", "adaptor", "lambda_sadv"}}
    tried = study.trials(Stage.TUNING)
    assert {trial.hyperparameters["adaptor"] for trial in tried} == set(active)
    for trial in tried:
        assert trial.hyperparameters.keys() == active[trial.hyperparameters["adaptor"]]
        assert trial.config.items() >= trial.hyperparameters.items()


def test_the_last_report_decides_not_the_highest(spec: Spec, driven: Callable) -> None:
    study = driven(spec(ablate=CELL, search={"sampler": "random", "trials_per_cell": 2}))
    for curve in ((90.0, 40.0), (30.0, 41.0)):
        trial = study.director.next_trial()
        for iteration, miou in zip((50, 100), curve, strict=True):
            study.director.report(trial.key, Report(iteration, {"select/miou": miou}, 0.0))
        study.director.end(trial.key, End(Outcome.FINISHED, 100, 0.0, {"report/miou": miou}))
    replicate = study.director.next_trial()
    assert replicate.stage is Stage.REPLICATE
    assert replicate.hyperparameters == study.trials(Stage.TUNING)[1].hyperparameters


ALWAYS = {"pruner": "threshold", "arguments": {"lower": 1000.0}}


@pytest.mark.parametrize(("start", "first"), [(0.0, 10), (0.3, 30), (0.35, 40), (0.99, None)])
def test_nothing_is_pruned_before_the_start(spec: Spec, driven: Callable, start: float, first: int | None) -> None:
    study = driven(spec(prune={**ALWAYS, "start": start, "startup_trials": 1})).run(2, order=1)
    pruned = [end.iteration for end in study.ends().values() if end.outcome is Outcome.PRUNED]
    assert (min(pruned) if pruned else None) == first


@pytest.mark.parametrize("startup", [1, 2, 4])
@pytest.mark.parametrize("slots", [1, 5])
def test_nothing_is_pruned_before_enough_trials_of_its_own_cell_completed(
    spec: Spec, driven: Callable, startup: int, slots: int
) -> None:
    study = driven(spec(prune={**ALWAYS, "startup_trials": startup})).run(slots, order=slots)
    completed = {search.plan.cell: 0 for search in study.searches}
    seen_pruned = 0
    for kind, trial, what in study.events:
        if trial.stage is Stage.REPLICATE:
            continue
        if kind == "report" and what.iteration < 100:
            # the threshold gives up on everything, so the number of completed trials alone decides
            is_end = study.ends()[trial.key]
            pruned_here = is_end.outcome is Outcome.PRUNED and is_end.iteration == what.iteration
            assert pruned_here is (completed[trial.cell] >= startup)
            seen_pruned += pruned_here
        completed[trial.cell] += kind == "end" and what.outcome is Outcome.FINISHED
    assert seen_pruned > 0


def test_failed_and_pruned_trials_do_not_count_as_completed(spec: Spec, driven: Callable) -> None:
    study = driven(
        spec(ablate=CELL, prune={**ALWAYS, "startup_trials": 1}),
        fails=lambda trial: 50 if trial.stage is Stage.TUNING and trial.number < 2 else None,
    ).run()
    outcomes = [study.ends()[trial.key].outcome for trial in study.trials(Stage.TUNING)]
    assert outcomes == [Outcome.FAILED] * 2 + [Outcome.FINISHED] + [Outcome.PRUNED] * 3


def test_replicates_and_last_reports_are_never_pruned(spec: Spec, driven: Callable) -> None:
    study = driven(spec(prune={**ALWAYS, "startup_trials": 1}, train={"iterations": 20, "evaluate_every": 10})).run(3)
    replicates = study.trials(Stage.REPLICATE)
    assert len(replicates) == 12
    assert {study.ends()[trial.key].outcome for trial in replicates} == {Outcome.FINISHED}
    assert {end.iteration for end in study.ends().values() if end.outcome is Outcome.PRUNED} == {10}
