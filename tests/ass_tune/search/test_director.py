"""A whole study without Ray: every cell gets its budget and its replicates, and everybody is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from optuna.trial import TrialState

from ass_tune.search.director import Decision
from ass_tune.spec import StudySpec
from ass_tune.trial import End, Report, Trial
from tests.support.results import results_of
from trainables.curves import CurvesConfig
from trainables.learning_curve import measured
from trainables.words import Cell, Outcome, Stage

Spec = Callable[..., StudySpec]
MEDIAN = {"pruner": "median", "start": 0.3, "startup_trials": 2}
ONE_CELL = {"adaptor": ["ga+csa"], "labeled_images": [5]}


@pytest.fixture(params=[(1, None), (3, None), (5, 1), (40, 2)], ids=["alone", "in turn", "random", "all at once"])
def study(request: pytest.FixtureRequest, spec: Spec, driven: Callable) -> Any:
    slots, order = request.param
    return driven(spec(prune=MEDIAN, search={"sampler": "tpe", "trials_per_cell": 6})).run(slots, order)


def test_every_cell_gets_its_tuning_budget_and_its_replicates(study: Any) -> None:
    assert len(study.searches) == 6
    for search in study.searches:
        tuning, replicates = (study.trials(stage, search.plan.cell) for stage in Stage)
        assert (len(tuning), len(replicates)) == (6, 2)
        assert {trial.seed for trial in tuning} == {1000}
        assert sorted(trial.seed for trial in replicates) == [0, 1]
        assert len({trial.key for trial in tuning}) == len(tuning)
        assert len({trial.key for trial in replicates}) == len(replicates)


def test_everything_that_started_ended_and_the_director_is_done(study: Any) -> None:
    assert study.director.running == []
    assert study.director.next_trial() is None
    assert set(study.ends()) == {trial.key for trial in study.trials()}


def test_replicates_are_the_best_configuration_and_wait_for_the_last_tuning_trial(study: Any) -> None:
    for search in study.searches:
        cell = search.plan.cell
        ends, reports = study.ends(), study.reports
        finished = [trial for trial in study.trials(Stage.TUNING, cell) if ends[trial.key].outcome is Outcome.FINISHED]
        best = max(finished, key=lambda trial: (reports(trial.key)[100], -trial.number))
        kinds = [(kind, trial.stage) for kind, trial, _ in study.events if trial.cell == cell]
        last_tuning = max(at for at, event in enumerate(kinds) if event == ("end", Stage.TUNING))
        assert all(at > last_tuning for at, (_, stage) in enumerate(kinds) if stage is Stage.REPLICATE)
        for trial in study.trials(Stage.REPLICATE, cell):
            assert trial.hyperparameters == best.hyperparameters
            assert {**trial.config, "seed": 1000} == best.config
            assert ends[trial.key].outcome is Outcome.FINISHED


def test_ledger_and_listeners_agree_on_every_value(study: Any) -> None:
    states = {Outcome.FINISHED: TrialState.COMPLETE, Outcome.PRUNED: TrialState.PRUNED}
    seen = 0
    for search in study.searches:
        for stage in Stage:
            told = {trial.number: trial for trial in study.trials(stage, search.plan.cell)}
            recorded = {trial.number: trial for trial in study.optuna(search.plan.cell, stage)}
            assert told.keys() == {number for number, trial in recorded.items() if "key" in trial.user_attrs}
            for number, trial in told.items():
                end, in_optuna = study.ends()[trial.key], recorded[number]
                assert in_optuna.state is states[end.outcome]
                assert in_optuna.intermediate_values == study.reports(trial.key)
                assert max(in_optuna.intermediate_values) == end.iteration
                assert in_optuna.value == study.reports(trial.key)[end.iteration]
                assert in_optuna.params == trial.hyperparameters
                assert in_optuna.user_attrs["config"] == trial.config
                assert in_optuna.user_attrs.get("result", {}) == end.metrics
                seen += 1
    assert seen == 6 * 8


def test_cells_advance_together(study: Any) -> None:
    begun = {search.plan.cell: 0 for search in study.searches}
    for trial in study.trials(Stage.TUNING):
        assert begun[trial.cell] == min(begun.values())
        begun[trial.cell] += 1


def test_a_cell_is_a_stratum_of_its_own(study: Any) -> None:
    for search in study.searches:
        for stage in Stage:
            begun = {trial.user_attrs.get("key") for trial in study.optuna(search.plan.cell, stage)} - {None}
            assert begun == {trial.key for trial in study.trials(stage, search.plan.cell)}
            assert {trial.number for trial in study.optuna(search.plan.cell, stage)} >= set(range(len(begun)))


def test_the_number_of_slots_is_used_and_never_exceeded(spec: Spec, driven: Callable) -> None:
    study = driven(spec()).run(slots=4, order=3)
    running, most = 0, 0
    for kind, _, _ in study.events:
        running += {"start": 1, "end": -1}.get(kind, 0)
        most = max(most, running)
    assert most == 4


def test_the_same_order_of_events_gives_the_same_study(spec: Spec, driven: Callable) -> None:
    pruned = spec(prune=MEDIAN, search={"sampler": "tpe", "trials_per_cell": 5})
    assert driven(pruned).run(3, order=7).events == driven(pruned).run(3, order=7).events


def test_listeners_hear_the_end_of_a_pruned_trial_after_the_report_that_decided(spec: Spec, driven: Callable) -> None:
    study = driven(spec(prune=MEDIAN)).run()
    pruned = [key for key, end in study.ends().items() if end.outcome is Outcome.PRUNED]
    assert pruned
    for key in pruned:
        last = [(kind, what) for kind, trial, what in study.events if trial.key == key][-2:]
        assert [kind for kind, _ in last] == ["report", "end"]
        assert last[0][1].iteration == last[1][1].iteration < 100
        assert last[1][1].metrics == {}


def test_a_report_seen_before_changes_nothing(spec: Spec, driven: Callable) -> None:
    study = driven(spec(ablate=ONE_CELL))
    trial = study.director.next_trial()
    for iteration, miou in ((10, 40.0), (20, 41.0), (10, 1.0), (20, 2.0)):
        assert study.director.report(trial.key, Report(iteration, {"select/miou": miou}, 0.0)) is Decision.CONTINUE
    assert study.reports(trial.key) == {10: 40.0, 20: 41.0}
    assert study.optuna(trial.cell)[0].intermediate_values == {10: 40.0, 20: 41.0}


def test_a_retried_trial_that_finishes_keeps_what_it_reported_first(spec: Spec, driven: Callable) -> None:
    study = driven(spec(ablate=ONE_CELL))
    trial = study.director.next_trial()
    study.director.report(trial.key, Report(100, {"select/miou": 40.0}, 0.0))
    study.director.report(trial.key, Report(100, {"select/miou": 2.0}, 1.0))
    study.director.end(trial.key, End(Outcome.FINISHED, 100, 1.0, {"report/miou": 39.0}, ("results/panel.png",)))
    [entry] = study.searches[0].tuning_entries()
    assert (entry.select_value, entry.last_iteration, entry.outcome) == (40.0, 100, Outcome.FINISHED)
    assert (entry.result, entry.artifacts) == ({"report/miou": 39.0}, ("results/panel.png",))


def test_failed_trials_use_up_budget_and_the_best_is_of_those_that_finished(spec: Spec, driven: Callable) -> None:
    def fails(trial: Trial) -> int | None:
        return 50 if trial.stage is Stage.TUNING and trial.number in (0, 3) else None

    study = driven(spec(), fails=fails).run(2)
    for search in study.searches:
        outcomes = [study.ends()[trial.key].outcome for trial in study.trials(Stage.TUNING, search.plan.cell)]
        assert [outcome is Outcome.FAILED for outcome in outcomes] == [True, False, False, True, False, False]
        assert len(study.trials(Stage.REPLICATE, search.plan.cell)) == 2
        assert study.optuna(search.plan.cell)[3].state is TrialState.FAIL
        assert (search.tuning_entries()[3].error or "").startswith("asked to fail")
        assert search.tuning_entries()[3].last_iteration == 40


def test_a_cell_whose_every_trial_failed_has_no_replicates_and_the_study_ends(spec: Spec, driven: Callable) -> None:
    study = driven(spec(), fails=lambda trial: 30 if trial.cell.level("adaptor") == "ga" else None).run(3, order=5)
    assert study.director.next_trial() is None
    for search in study.searches:
        failed = search.plan.cell.level("adaptor") == "ga"
        assert len(study.trials(Stage.TUNING, search.plan.cell)) == 6
        assert len(study.trials(Stage.REPLICATE, search.plan.cell)) == (0 if failed else 2)
        assert (results_of(search) == {}) is failed


def test_results_are_the_best_configuration_by_seed(spec: Spec, driven: Callable) -> None:
    study = driven(spec(ablate=ONE_CELL)).run()
    [search] = study.searches
    results = results_of(search)
    assert sorted(results) == [0, 1]
    for seed, entry in results.items():
        assert entry.seed == seed
        assert entry.result == {"report/miou": measured(CurvesConfig(**entry.config), "report", 100)}
    assert len({tuple(entry.hyperparameters.items()) for entry in results.values()}) == 1


def test_a_failed_replicate_is_missing_from_the_results(spec: Spec, driven: Callable) -> None:
    study = driven(spec(ablate=ONE_CELL), fails=lambda trial: 20 if trial.seed == 1 else None).run()
    assert sorted(results_of(study.searches[0])) == [0]


def test_the_only_seed_of_a_table_does_not_search(spec: Spec, driven: Callable) -> None:
    study = driven(spec(replicate={"seeds": [4]})).run(3)
    assert [trial.seed for trial in study.trials(Stage.REPLICATE)] == [4] * 6
    assert {trial.seed for trial in study.trials(Stage.TUNING)} == {1000}


def test_a_study_without_factors_or_hyperparameters_is_one_trial(spec: Spec, driven: Callable) -> None:
    study = driven(spec(ablate={}, tune={}, replicate={"seeds": [0]})).run()
    [trial] = study.trials()
    assert (trial.cell, trial.hyperparameters, trial.number) == (Cell(()), {}, 0)
