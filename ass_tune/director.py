"""The director of a study: what runs next, and whether a trial goes on.

It takes results, times and free slots from outside and never sleeps, polls or imports Ray, so that the same
code directs real trials and trials replayed from recorded learning curves.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ass_tune.cell_search import CellSearch
from ass_tune.trial import Cell, End, Listener, Outcome, Report, Trial


class Decision(StrEnum):
    """What becomes of a trial after a report."""

    CONTINUE = "continue"
    STOP = "stop"


@dataclass
class _Running:
    trial: Trial
    last_iteration: int = 0
    select_miou: float | None = None


class Director:
    """Directs the trials of all cells and tells the listeners what happens.

    Args:
        searches: one per cell, in the order of the table.
        listeners: told after the ledger has it.
    """

    def __init__(self, searches: Sequence[CellSearch], listeners: Sequence[Listener]) -> None:
        self._searches = {search.plan.cell: search for search in searches}
        self._listeners = listeners
        self._running: dict[str, _Running] = {}
        self._unfinished = deque(
            _Running(trial, entry.last_iteration, entry.select_miou)
            for search in searches
            for trial, entry in search.readopt()
        )

    @property
    def running(self) -> list[Trial]:
        """The trials that were handed out and have not ended."""
        return [running.trial for running in self._running.values()]

    def next_trial(self) -> Trial | None:
        """The trial to start now, or None while everything left waits for running trials or nothing is left."""
        running = self._unfinished.popleft() if self._unfinished else self._next_new()
        if running is None:
            return None
        self._running[running.trial.key] = running
        for listener in self._listeners:
            listener.trial_started(running.trial)
        return running.trial

    def report(self, key: str, report: Report) -> Decision:
        """Record a report and decide. A report seen before, from a trial that was retried, changes nothing."""
        running = self._running[key]
        if report.iteration <= running.last_iteration:
            return Decision.CONTINUE
        running.last_iteration, running.select_miou = report.iteration, report.miou
        should_stop = self._searches[running.trial.cell].report(running.trial, report)
        for listener in self._listeners:
            listener.trial_reported(running.trial, report)
        if not should_stop:
            return Decision.CONTINUE
        self.end(key, End(Outcome.PRUNED, report.iteration, report.time))
        return Decision.STOP

    def end(self, key: str, end: End) -> None:
        """Record how a trial ended."""
        running = self._running.pop(key)
        self._searches[running.trial.cell].end(running.trial, end, running.select_miou)
        for listener in self._listeners:
            listener.trial_ended(running.trial, end)

    def search(self, cell: Cell) -> CellSearch:
        """The search of one cell."""
        return self._searches[cell]

    def _next_new(self) -> _Running | None:
        trial = self._next_tuning() or self._next_replicate()
        return None if trial is None else _Running(trial)

    def _next_tuning(self) -> Trial | None:
        """From the cell that has begun the fewest tuning trials, so that all cells advance together."""
        for search in sorted(self._searches.values(), key=lambda search: search.tuning_begun):
            if (trial := search.next_tuning()) is not None:
                return trial
        return None

    def _next_replicate(self) -> Trial | None:
        trials = (search.next_replicate() for search in self._searches.values())
        return next((trial for trial in trials if trial is not None), None)
