"""What the ledger has of a study and its records lack, because the disk of its last driver is gone."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from analysis.readers.folder import records_in
from analysis.records import OUTBOX, STUDY_KEY, Metrics, RunEnded, RunStarted
from ass_tune.ledger.ledger import Entry
from ass_tune.tracker.names import mlflow_name
from ass_tune.tracker.records_copy import INCOMPLETE
from ass_tune.tracker.tracker import Tracker
from ass_tune.trial import End, Report, Trial
from trainables.objective import Objective

NOTICE = "its last reports have the objective alone: the other metrics were lost with the disk of a driver"


def refill(tracker: Tracker, folder: Path, trials: Iterable[tuple[Trial, Entry]], objective: Objective) -> int:
    """Record again starts, reports and ends that only the ledger has; returns of how many trials.

    The ledger has the objective of each report, the result and the names of the files, and no other metric. Nor has it
    the time of a report: it gets the last one known before it, since what the trial reports next may be older than now.

    Args:
        tracker: of the study, whose outbox was fetched.
        folder: has the outbox.
        trials: as the ledger has them.
        objective: of the study.
    """
    known = _known(folder / OUTBOX, mlflow_name(objective.select))
    filled = 0
    for trial, entry in trials:
        last = known.reported.get(trial.run, 0)
        curve = {step: value for step, value in sorted(entry.curve.items()) if step > last}
        lacks_end = entry.outcome is not None and trial.run not in known.ended
        if not (curve or lacks_end):
            continue
        filled += 1
        at = known.times.get(trial.run, known.last)
        if trial.run not in known.started:
            tracker.trial_started(trial)
        for iteration, value in curve.items():
            tracker.trial_reported(trial, Report(iteration, {objective.select: value}, at, objective))
        if curve:
            tracker.trial_noticed(trial, NOTICE)
        if lacks_end:
            tracker.trial_ended(trial, _end(entry))
    (folder / INCOMPLETE).unlink(missing_ok=True)
    return filled


@dataclass
class _Known:
    """What an outbox has of a study's trials; times in seconds since the epoch."""

    started: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    """Runs that have ended and were not started again."""
    reported: dict[str, int] = field(default_factory=dict)
    """The iteration of each run's last report."""
    times: dict[str, float] = field(default_factory=dict)
    """Of each run's last report, or of its first start."""
    last: float = 0.0
    """Of the last report or start of any run."""


def _known(outbox: Path, select: str) -> _Known:
    known = _Known()
    with outbox.open("rb") as file:
        for record in records_in(file, str(outbox)):
            match record:
                case RunStarted():
                    known.started.add(record.key)
                    known.ended.discard(record.key)
                    known.times.setdefault(record.key, record.time)
                case RunEnded():
                    known.ended.add(record.key)
                case Metrics() if select in record.values:
                    known.reported[record.key] = max(known.reported.get(record.key, 0), record.step)
                    known.times[record.key] = record.time
            if isinstance(record, RunStarted | Metrics) and record.key != STUDY_KEY:
                known.last = record.time
    known.last = known.last or time.time()
    return known


def _end(entry: Entry) -> End:
    assert entry.outcome is not None
    return End(entry.outcome, entry.last_iteration, entry.ended, entry.result, entry.artifacts, entry.error)
