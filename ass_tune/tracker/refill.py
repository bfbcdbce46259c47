"""What the ledger has of a study and its records lack, because the disk of its last driver is gone."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from analysis.readers.folder import records_in
from analysis.records import OUTBOX, Metrics, RunEnded, RunStarted
from ass_tune.ledger.ledger import Entry
from ass_tune.tracker.names import mlflow_name
from ass_tune.tracker.records_copy import INCOMPLETE
from ass_tune.tracker.tracker import Tracker
from ass_tune.trial import End, Report, Trial
from trainables.objective import Objective

NOTICE = "its last reports have the objective alone: the other metrics were lost with the disk of a driver"


def refill(tracker: Tracker, folder: Path, trials: Iterable[tuple[Trial, Entry]], objective: Objective) -> int:
    """Record again starts, reports and ends that only the ledger has; returns of how many trials.

    The ledger has the objective of each report, the result and the names of the files, and no other metric.

    Args:
        tracker: of the study, whose outbox was fetched.
        folder: has the outbox.
        trials: as the ledger has them.
        objective: of the study.
    """
    started, ended, reported = _known(folder / OUTBOX, mlflow_name(objective.select))
    filled = 0
    for trial, entry in trials:
        last = reported.get(trial.run, 0)
        curve = {step: value for step, value in sorted(entry.curve.items()) if step > last}
        lacks_end = entry.outcome is not None and trial.run not in ended
        if not (curve or lacks_end):
            continue
        filled += 1
        at = entry.ended or time.time()
        if trial.run not in started:
            tracker.trial_started(trial)
        for iteration, value in curve.items():
            tracker.trial_reported(trial, Report(iteration, {objective.select: value}, at, objective))
        if curve:
            tracker.trial_noticed(trial, NOTICE)
        if lacks_end:
            tracker.trial_ended(trial, _end(entry))
    (folder / INCOMPLETE).unlink(missing_ok=True)
    return filled


def _known(outbox: Path, select: str) -> tuple[set[str], set[str], dict[str, int]]:
    """Runs that were started, runs that have ended since, and the iteration of each run's last report."""
    started: set[str] = set()
    ended: set[str] = set()
    reported: dict[str, int] = {}
    with outbox.open("rb") as file:
        for record in records_in(file, str(outbox)):
            match record:
                case RunStarted():
                    started.add(record.key)
                    ended.discard(record.key)
                case RunEnded():
                    ended.add(record.key)
                case Metrics() if select in record.values:
                    reported[record.key] = max(reported.get(record.key, 0), record.step)
    return started, ended, reported


def _end(entry: Entry) -> End:
    assert entry.outcome is not None
    return End(entry.outcome, entry.last_iteration, entry.ended, entry.result, entry.artifacts, entry.error)
