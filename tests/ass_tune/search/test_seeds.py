"""Which seed does what: some search, others are in the table, and none does both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from optuna.storages import InMemoryStorage

from ass_tune.spec import StudySpec
from ass_tune.trial import End, Report, Trial
from tests.support.results import results_of
from trainables.words import Outcome, Stage

Spec = Callable[..., StudySpec]
ONE_CELL = {"adaptor": ["ga+csa"], "labeled_images": [5]}
TWO_LRS = {"lr": {"type": "grid", "values": [0.02, 0.05]}}
THREE_SEEDS = {"sampler": "random", "trials_per_cell": 4, "train_seeds": [7, 8, 9]}
MEDIAN = {"pruner": "median", "start": 0.3, "startup_trials": 2}


@pytest.mark.parametrize("seeds", [[1000], [7, 8, 9]])
def test_no_seed_searches_and_is_in_the_table(spec: Spec, driven: Callable, seeds: list[int]) -> None:
    search = {"sampler": "random", "trials_per_cell": 3, "train_seeds": seeds}
    study = driven(spec(search=search, replicate={"seeds": [3, 0, 5]})).run(3, order=1)
    assert {trial.seed for trial in study.trials(Stage.TUNING)} == set(seeds)
    for one in study.searches:
        assert sorted(trial.seed for trial in study.trials(Stage.REPLICATE, one.plan.cell)) == [0, 3, 5]
        assert sorted(results_of(one)) == [0, 3, 5]


@pytest.mark.parametrize("tune", [{}, {"lr": {"type": "grid", "values": [0.05]}}], ids=["nothing", "a single point"])
def test_a_cell_with_nothing_to_choose_runs_no_search(spec: Spec, driven: Callable, tune: dict[str, Any]) -> None:
    study = driven(spec(tune=tune, search={"sampler": "grid"}))
    first = [study.director.next_trial() for _ in range(12)]
    assert {trial.stage for trial in first} == {Stage.REPLICATE}
    assert sorted(trial.seed for trial in first) == [0] * 6 + [1] * 6
    assert {tuple(trial.hyperparameters.items()) for trial in first} == {(("lr", 0.05),) if tune else ()}
    assert study.director.next_trial() is None


def finish(study: Any, trial: Trial, select: float) -> None:
    study.director.report(trial.key, Report(100, {"select/miou": select}, 0.0))
    study.director.end(trial.key, End(Outcome.FINISHED, 100, 0.0, {"report/miou": select}))


@pytest.mark.parametrize(("seeds", "chosen"), [([7], 0.02), ([7, 8], 0.05)])
def test_the_mean_over_several_seeds_chooses_where_the_first_alone_would_choose_otherwise(
    spec: Spec, driven: Callable, seeds: list[int], chosen: float
) -> None:
    select: Mapping[tuple[float, int], float] = {(0.02, 7): 50, (0.02, 8): 30, (0.05, 7): 45, (0.05, 8): 44}
    search = {"sampler": "grid", "train_seeds": seeds}
    study = driven(spec(ablate=ONE_CELL, tune=TWO_LRS, search=search))
    while (trial := study.director.next_trial()).stage is Stage.TUNING:
        finish(study, trial, select[trial.hyperparameters["lr"], trial.seed])
    assert trial.hyperparameters == {"lr": chosen}
    assert len(study.trials(Stage.TUNING)) == 2 * len(seeds)


def test_all_configurations_are_tried_before_any_is_trained_under_a_further_seed(spec: Spec, driven: Callable) -> None:
    study = driven(spec(ablate=ONE_CELL, search=THREE_SEEDS)).run()
    assert [trial.seed for trial in study.trials(Stage.TUNING)] == [7] * 4 + [8] * 4 + [9] * 4
    by_seed = [[t.hyperparameters for t in study.trials(Stage.TUNING) if t.seed == seed] for seed in (7, 8, 9)]
    assert by_seed[0] == by_seed[1] == by_seed[2]
    assert len({trial.key for trial in study.trials()}) == 12 + 2


def test_what_was_pruned_or_failed_needs_no_further_seed_and_what_was_not_is_never_pruned(
    spec: Spec, driven: Callable
) -> None:
    search = {**THREE_SEEDS, "trials_per_cell": 8}
    fails = {7: 2, 8: 3}
    study = driven(
        spec(prune=MEDIAN, search=search),
        fails=lambda trial: 50 if trial.stage is Stage.TUNING and fails.get(trial.seed) == trial.number else None,
    ).run(4, order=2)
    for one in study.searches:
        trials = study.trials(Stage.TUNING, one.plan.cell)
        for earlier, later in ((7, 8), (8, 9)):
            finished = [
                tuple(trial.hyperparameters.items())
                for trial in trials
                if trial.seed == earlier and study.ends()[trial.key].outcome is Outcome.FINISHED
            ]
            assert sorted(finished) == sorted(tuple(t.hyperparameters.items()) for t in trials if t.seed == later)
    outcomes = {seed: [study.ends()[t.key].outcome for t in study.trials() if t.seed == seed] for seed in (7, 8, 9)}
    assert Outcome.PRUNED in outcomes[7]
    assert Outcome.PRUNED not in outcomes[8] + outcomes[9]
    assert study.director.next_trial() is None
    assert all(sorted(results_of(one)) == [0, 1] for one in study.searches)


def test_a_seed_that_is_added_searches_with_what_is_there(spec: Spec, driven: Callable) -> None:
    storage = InMemoryStorage()
    one, two = ({"sampler": "tpe", "trials_per_cell": 3, "train_seeds": seeds} for seeds in ([7], [7, 8]))
    first = driven(spec(ablate=ONE_CELL, search=one), storage).run()
    second = driven(spec(ablate=ONE_CELL, search=two), storage).run()
    tried = [trial.hyperparameters for trial in first.trials(Stage.TUNING)]
    assert [(t.seed, t.hyperparameters) for t in second.trials(Stage.TUNING)] == [(8, values) for values in tried]


FINALISTS = {"sampler": "random", "trials_per_cell": 4, "train_seeds": [7, 8, 9], "finalists": 2}


@pytest.mark.parametrize("slots", [1, 3])
def test_finalists_alone_are_trained_under_further_seeds_once_all_were_tried_and_one_of_them_is_chosen(
    spec: Spec, driven: Callable, slots: int
) -> None:
    study = driven(spec(search=FINALISTS)).run(slots, order=1)
    for one in study.searches:
        first = {entry.number: entry for entry in one.tuning_entries() if entry.seed == 7}
        best = sorted(first.values(), key=lambda entry: (-entry.select_value, entry.number))[:2]
        wanted = sorted([entry.hyperparameters["lr"], seed] for entry in best for seed in (8, 9))
        further = [entry for entry in one.tuning_entries() if entry.seed != 7]
        assert sorted([entry.hyperparameters["lr"], entry.seed] for entry in further) == wanted
        assert min(entry.number for entry in further) > max(first)
        assert one.chosen() in [entry.hyperparameters for entry in best]
        assert one.plan.tuning_trials == len(one.tuning_entries()) == 4 + 2 * 2


def test_the_next_best_takes_the_place_of_a_finalist_that_fails(spec: Spec, driven: Callable) -> None:
    study = driven(
        spec(ablate=ONE_CELL, search=FINALISTS),
        fails=lambda trial: 50 if trial.stage is Stage.TUNING and trial.number == 4 else None,
    ).run(2)
    [one] = study.searches
    first = sorted((e for e in one.tuning_entries() if e.seed == 7), key=lambda e: (-e.select_value, e.number))
    assert [entry.seed for entry in one.tuning_entries() if entry.outcome is Outcome.FAILED] == [8]
    finished = [entry for entry in one.tuning_entries() if entry.outcome is Outcome.FINISHED]
    both = [entry.hyperparameters for entry in first[1:3]]
    for seed in (8, 9):
        of_seed = [entry.hyperparameters for entry in finished if entry.seed == seed]
        assert all(hyperparameters in of_seed for hyperparameters in both)
    assert one.chosen() in both


@pytest.mark.parametrize("dies_after", [15, 39, 40, 41, 55, 79, 81])
def test_a_driver_that_goes_on_names_the_same_finalists(spec: Spec, driven: Callable, dies_after: int) -> None:
    wanted, storage = spec(ablate=ONE_CELL, search=FINALISTS), InMemoryStorage()
    undisturbed = driven(wanted).run(1)
    driven(wanted, storage).run(1, reports=dies_after)
    resumed = driven(wanted, storage).run(1)
    keys = [[trial.key for trial, _ in study.searches[0].trials()] for study in (undisturbed, resumed)]
    assert keys[0] == keys[1]
    assert resumed.searches[0].chosen() == undisturbed.searches[0].chosen()


def test_under_the_papers_protocol_the_first_seed_of_the_table_searches_and_stays_in_it(
    spec: Spec, driven: Callable
) -> None:
    study = driven(spec(protocol="paper", ablate=ONE_CELL, replicate={"seeds": [4, 5, 6]})).run(2)
    assert {trial.seed for trial in study.trials(Stage.TUNING)} == {4}
    assert [trial.seed for trial in study.trials(Stage.REPLICATE)] == [5, 6]
    alone = driven(spec(protocol="paper", ablate=ONE_CELL, tune={}, replicate={"seeds": [4, 5, 6]})).run(2)
    assert [(trial.stage, trial.seed) for trial in alone.trials()] == [(Stage.REPLICATE, seed) for seed in (4, 5, 6)]
