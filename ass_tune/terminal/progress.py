"""How far a study is, as counted from what its listeners are told."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from ass_tune.ledger.ledger import count_outcomes
from ass_tune.search.cell_search import CellSearch, best_entry
from ass_tune.search.cells import CellPlan
from ass_tune.trial import End, Listener, Report, Trial
from trainables.words import Outcome, Stage


@dataclass
class CellProgress:
    """One cell's counts."""

    plan: CellPlan
    running: int = 0
    ended: dict[Stage, int] = field(default_factory=lambda: dict.fromkeys(Stage, 0))
    pruned: int = 0
    failed: int = 0
    diverged: int = 0
    best: float | None = None
    """Highest select-split mIoU in percent of a finished tuning trial."""


@dataclass(frozen=True)
class _Reached:
    """The last report of a trial that has not ended."""

    iteration: int = 0
    miou: float | None = None


class StudyProgress(Listener):
    """Counts of all cells; a listener, so it is told of everything after the ledger has it.

    Args:
        searches: the cells, with what earlier runs of the study have done.
        iterations: length of every trial.
    """

    def __init__(self, searches: Sequence[CellSearch], iterations: int) -> None:
        self.cells = {search.plan.cell: _from_ledger(search) for search in searches}
        self.iterations = iterations
        entries = [entry for search in searches for entry in (*search.tuning_entries(), *search.replicate_entries())]
        pruned = (entry for entry in entries if entry.outcome is Outcome.PRUNED)
        self.iterations_saved = sum(iterations - entry.last_iteration for entry in pruned)
        self._trained_here = 0
        self._at = {e.key: _Reached(e.last_iteration, e.select_miou) for e in entries if e.outcome is None}
        self._started = time.monotonic()

    def trial_started(self, trial: Trial) -> None:
        """Count it as running."""
        self.cells[trial.cell].running += 1

    def trial_reported(self, trial: Trial, report: Report) -> None:
        """Count the iterations since its last report."""
        before = self._at.get(trial.key, _Reached())
        if trial.reused_from is None:
            self._trained_here += report.iteration - before.iteration
        self._at[trial.key] = _Reached(report.iteration, report.miou)

    def trial_interrupted(self, trial: Trial) -> None:
        """Count it as waiting; what it reported stays."""
        self.cells[trial.cell].running -= 1

    def trial_ended(self, trial: Trial, end: End) -> None:
        """Count the outcome."""
        cell = self.cells[trial.cell]
        cell.running -= 1
        cell.ended[trial.stage] += 1
        cell.pruned += end.outcome is Outcome.PRUNED
        cell.failed += end.outcome is Outcome.FAILED
        cell.diverged += end.outcome is Outcome.DIVERGED
        if end.outcome is Outcome.PRUNED:
            self.iterations_saved += self.iterations - end.iteration
        last = self._at.pop(trial.key, _Reached())
        if end.outcome is Outcome.FINISHED and trial.stage is Stage.TUNING and last.miou is not None:
            cell.best = last.miou if cell.best is None else max(cell.best, last.miou)

    @property
    def trials_ended(self) -> int:
        """Trials that are done, those of earlier runs included."""
        return sum(sum(cell.ended.values()) for cell in self.cells.values())

    @property
    def trials_wanted(self) -> int:
        """All tuning trials and replicates."""
        return sum(cell.plan.tuning_trials + cell.plan.replicates for cell in self.cells.values())

    @property
    def running(self) -> int:
        """Trials that run now."""
        return sum(cell.running for cell in self.cells.values())

    @property
    def pruned(self) -> int:
        """Trials that were stopped early."""
        return sum(cell.pruned for cell in self.cells.values())

    @property
    def seconds(self) -> float:
        """Time since this run of the study began."""
        return time.monotonic() - self._started

    @property
    def seconds_left(self) -> float | None:
        """At the speed so far, if nothing more is pruned; None before the first report."""
        if not self._trained_here:
            return None
        trials_left = self.trials_wanted - self.trials_ended
        iterations_left = trials_left * self.iterations - sum(at.iteration for at in self._at.values())
        return self.seconds * max(0, iterations_left) / self._trained_here


def _from_ledger(search: CellSearch) -> CellProgress:
    progress = CellProgress(search.plan)
    by_stage = {Stage.TUNING: search.tuning_entries(), Stage.REPLICATE: search.replicate_entries()}
    for stage, entries in by_stage.items():
        counts = count_outcomes(entries)
        progress.ended[stage] = counts.total() - counts[None]
        progress.pruned += counts[Outcome.PRUNED]
        progress.failed += counts[Outcome.FAILED]
        progress.diverged += counts[Outcome.DIVERGED]
    best = best_entry(by_stage[Stage.TUNING])
    progress.best = best.select_miou if best else None
    return progress
