"""Counts of a running study, and the time that is left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from optuna.storages import InMemoryStorage

from ass_tune.spec import StudySpec
from ass_tune.terminal.progress import StudyProgress
from ass_tune.trial import End, Report, Trial
from trainables.words import Outcome, Stage

Spec = Callable[..., StudySpec]
ONE_CELL = {"adaptor": ["ga+csa"], "labeled_images": [5]}
ALWAYS = {"pruner": "threshold", "start": 0.3, "startup_trials": 2, "arguments": {"lower": 1000.0}}


class Watched:
    """A driven study with its progress."""

    def __init__(self, driven: Callable, spec: StudySpec, **how: Any) -> None:
        made: list[StudyProgress] = []

        def listeners(searches: Any) -> list[StudyProgress]:
            made.append(StudyProgress(searches, spec.train.iterations))
            return made

        self.study = driven(spec, listeners=listeners, **how)
        [self.progress] = made


def counts(progress: StudyProgress) -> list[tuple[Any, ...]]:
    return [
        (
            *(cell.ended[stage] for stage in Stage),
            cell.outcomes[Outcome.PRUNED],
            cell.outcomes[Outcome.FAILED],
            cell.best,
        )
        for cell in progress.cells.values()
    ]


def test_counts_follow_the_events(spec: Spec, driven: Callable) -> None:
    def fails(trial: Trial) -> int | None:
        return 50 if trial.stage is Stage.TUNING and trial.number == 1 else None

    watched = Watched(driven, spec(ablate=ONE_CELL, prune=ALWAYS), fails=fails)
    study, progress = watched.study, watched.progress
    assert (progress.trials_wanted, progress.trials_ended, progress.running) == (8, 0, {})
    study.run(2, reports=3)
    assert list(progress.running.values()) == study.director.running
    assert (len(progress.running), progress.trials_ended, counts(progress)) == (2, 0, [(0, 0, 0, 0, None)])
    study.run(2)
    best = max(study.reports(trial.key).get(100, 0.0) for trial in study.trials(Stage.TUNING))
    outcomes = [study.ends()[trial.key].outcome for trial in study.trials(Stage.TUNING)]
    assert counts(progress) == [(6, 2, outcomes.count(Outcome.PRUNED), 1, best)]
    assert outcomes.count(Outcome.PRUNED) == progress.count(Outcome.PRUNED) > 0
    assert (progress.trials_ended, progress.running) == (8, {})


def test_iterations_saved_are_those_of_pruned_trials(spec: Spec, driven: Callable) -> None:
    watched = Watched(
        driven,
        spec(ablate=ONE_CELL, prune=ALWAYS),
        fails=lambda trial: 50 if trial.stage is Stage.TUNING and trial.number == 0 else None,
    )
    watched.study.run()
    assert watched.progress.count(Outcome.PRUNED) == 3
    assert watched.progress.iterations_saved == 3 * 70


def test_the_best_is_of_finished_tuning_trials_at_their_last_report(spec: Spec, driven: Callable) -> None:
    watched = Watched(driven, spec(ablate=ONE_CELL))
    director, progress = watched.study.director, watched.progress
    expected = []
    for last, outcome in ((40.0, Outcome.FINISHED), (90.0, Outcome.FAILED), (39.0, Outcome.FINISHED)):
        trial = director.next_trial()
        director.report(trial.key, Report(90, {"select/miou": 95.0}, 0.0))
        director.report(trial.key, Report(100, {"select/miou": last}, 0.0))
        director.end(trial.key, End(outcome, 100, 0.0, {"report/miou": 1.0}))
        expected.append(next(iter(progress.cells.values())).best)
    assert expected == [40.0, 40.0, 40.0]


def test_a_later_driver_counts_what_earlier_ones_did(spec: Spec, driven: Callable) -> None:
    wanted = spec(prune=ALWAYS)
    fails: dict[str, Any] = {"fails": lambda trial: 20 if trial.number == 5 else None}
    storage = InMemoryStorage()
    first = Watched(driven, wanted, storage=storage, **fails)
    first.study.run()
    later = Watched(driven, wanted, storage=storage, **fails)
    assert counts(later.progress) == counts(first.progress)
    assert later.progress.trials_ended == first.progress.trials_ended == 48
    assert later.progress.iterations_saved == first.progress.iterations_saved > 0


@pytest.mark.parametrize("reports", [5, 14, 33])
def test_time_left_is_the_time_gone_times_iterations_left_over_those_trained(
    spec: Spec, driven: Callable, reports: int
) -> None:
    watched = Watched(driven, spec(ablate=ONE_CELL))
    progress = watched.progress
    assert progress.seconds_left is None
    watched.study.run(2, reports=reports)
    ratio = (800 - 10 * reports) / (10 * reports)
    gone, left = progress.seconds, progress.seconds_left
    assert left is not None
    assert gone * ratio <= left <= progress.seconds * ratio


def test_what_earlier_drivers_trained_does_not_count_as_speed(spec: Spec, driven: Callable) -> None:
    storage = InMemoryStorage()
    driven(spec(ablate=ONE_CELL), storage).run(reports=9)
    watched = Watched(driven, spec(ablate=ONE_CELL), storage=storage)
    progress = watched.progress
    [taken_over] = [watched.study.director.next_trial()]
    assert progress.seconds_left is None
    watched.study.director.report(taken_over.key, Report(100, {"select/miou": 30.0}, 0.0))
    ratio = (800 - 100) / 10
    gone, left = progress.seconds, progress.seconds_left
    assert left is not None
    assert gone * ratio <= left <= progress.seconds * ratio


def test_a_trial_that_died_between_its_last_report_and_its_end_counts_for_the_best(
    spec: Spec, driven: Callable
) -> None:
    storage = InMemoryStorage()
    first = driven(spec(ablate=ONE_CELL), storage).director
    dying = first.next_trial()
    first.report(dying.key, Report(100, {"select/miou": 33.0}, 0.0))
    watched = Watched(driven, spec(ablate=ONE_CELL), storage=storage)
    director = watched.study.director
    director.report(director.next_trial().key, Report(100, {"select/miou": 12.0}, 1.0))
    director.end(dying.key, End(Outcome.FINISHED, 100, 1.0, {"report/miou": 32.0}))
    assert counts(watched.progress) == [(1, 0, 0, 0, 33.0)]
