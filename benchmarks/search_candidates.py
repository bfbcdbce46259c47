"""Ways to search that the product does not have yet, measured before they are built."""

from __future__ import annotations

import heapq
import itertools
from typing import Any

from ass_tune.replay.curve_set import CurveSet
from ass_tune.trial import End, Listener, Trial
from benchmarks.search_peers import Peer, trial_of


class BestFirst(Peer):
    """A few reports for everybody; then the best of each cell go on to the end, and then all others, best first.

    Nothing is given up: it differs from training everything in the order alone, in which winners come early.

    Args:
        reports: that every configuration gets before any goes on.
        best: how many of each cell go on first, before the others of any cell.
        others: how many of these others go on; None for all of them.
    """

    def __init__(
        self, curves: CurveSet, listener: Listener, reports: int = 1, best: int = 3, others: int | None = None
    ) -> None:
        super().__init__(curves, listener)
        self._until, self._best, self._others = curves.iterations[reports - 1], best, others
        self._cells = {cell.cell: cell for cell in curves.cells}
        self._screened: dict[Any, dict[int, float]] = {cell.cell: {} for cell in curves.cells}
        self._left = {cell.cell: len(cell.configurations) for cell in curves.cells}
        self._counter = itertools.count()
        self._paused: list[tuple[int, int, Trial]] = []

    def next_trial(self) -> Trial | None:
        """One that is new, else the one of the best class that was paused first."""
        if (trial := super().next_trial()) is not None:
            return trial
        return self.start(heapq.heappop(self._paused)[2]) if self._paused else None

    def judge(self, trial: Trial, iteration: int, value: float) -> bool:
        """Pause at the end of the screening."""
        if trial.config["begins"]:
            return True
        if iteration == self._until:
            self._screened[trial.cell][trial.config["place"]] = value
        return iteration < self._until

    def end(self, key: str, end: End) -> None:
        """After the last screening of a cell, rank its configurations."""
        trial = self._running[key]
        super().end(key, end)
        if trial.config["begins"]:
            return
        self._left[trial.cell] -= 1
        if not self._left[trial.cell]:
            found = self._screened[trial.cell]
            order = sorted(found, key=lambda place: (-found[place], place))
            allowed = len(order) if self._others is None else self._best + self._others
            for rank, place in enumerate(order[:allowed]):
                later = max(0, rank - self._best + 1)
                paused = trial_of(self._cells[trial.cell], place, begins=self._until)
                heapq.heappush(self._paused, (later, next(self._counter), paused))
