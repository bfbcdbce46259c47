"""Ways to search that the product does not have yet, measured before they are built."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Mapping

from ass_tune.replay.curve_set import CurveSet, RecordedCell
from ass_tune.trial import Listener, Trial
from benchmarks.search_peers import Screening, trial_of


class BestFirst(Screening):
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
        super().__init__(curves, listener, reports)
        self._best, self._others = best, others
        self._counter = itertools.count()
        self._paused: list[tuple[int, int, Trial]] = []

    def next_trial(self) -> Trial | None:
        """One that is new, else the one of the best class that was paused first."""
        if (trial := super().next_trial()) is not None:
            return trial
        return self.start(heapq.heappop(self._paused)[2]) if self._paused else None

    def go_on(self, cell: RecordedCell, found: Mapping[int, float]) -> None:
        """Rank the configurations."""
        order = sorted(found, key=lambda place: (-found[place], place))
        allowed = len(order) if self._others is None else self._best + self._others
        for rank, place in enumerate(order[:allowed]):
            later = max(0, rank - self._best + 1)
            paused = trial_of(cell, place, begins=self._until)
            heapq.heappush(self._paused, (later, next(self._counter), paused))
