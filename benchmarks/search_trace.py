"""What a search would choose after each iteration that it has spent, and how far that is below the best."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from ass_tune.replay.curve_set import DIVERGED, CurveSet, RecordedCell
from ass_tune.trial import End, Listener, Report, Trial
from trainables.words import Cell, Outcome


@dataclass
class _Known:
    """What is known of a cell's configurations, by their places."""

    cell: RecordedCell
    latest: dict[int, float] = field(default_factory=dict)
    """Value of the newest report under the first seed."""
    finished: dict[int, list[float]] = field(default_factory=dict)
    """Objectives, one for each seed."""

    def choice(self) -> int | None:
        """The best mean of those finished under most seeds; while there is none, the best newest report."""
        most = max(map(len, self.finished.values()), default=0)
        found = {place: fmean(of) for place, of in self.finished.items() if len(of) == most} or self.latest
        return max(found, key=lambda place: (found[place], -place)) if found else None


class Trace(Listener):
    """Listens to a search, whoever directs it.

    Regret is relative to that of the median configuration of its cell, so that 0 is the best and 1 a choice at random;
    `points_at` alone gives it in the unit of the curves.
    """

    def __init__(self, curves: CurveSet) -> None:
        self._known = {cell.cell: _Known(cell) for cell in curves.cells}
        self._regrets = {cell.cell: np.array([1.0, cell.at_random]) for cell in curves.cells}
        self._sum = np.sum([*self._regrets.values()], axis=0)
        self._spent, self._every = 0, curves.iterations[0]
        self._curve: list[tuple[int, float, float]] = []
        self._note()

    @property
    def spent(self) -> int:
        """Iterations."""
        return self._spent

    @property
    def regret(self) -> float:
        """Mean over cells, now."""
        return self._curve[-1][1]

    def choices(self) -> list[int | None]:
        """What would be chosen now, by cell."""
        return [known.choice() for known in self._known.values()]

    def at(self, spent: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean regret over cells once so many iterations were spent."""
        return self._after(spent)[:, 1]

    def points_at(self, spent: float) -> float:
        """The same in the unit of the curves, such as points of mIoU."""
        return float(self._after(np.array([spent]))[0, 2])

    def _after(self, spent: NDArray[np.float64]) -> NDArray[np.float64]:
        curve = np.array(self._curve)
        return curve[curve[:, 0].searchsorted(spent, side="right") - 1]

    def trial_reported(self, trial: Trial, report: Report) -> None:
        """See `Listener`."""
        known, place = self._known[trial.cell], trial.config["place"]
        if trial.seed == known.cell.seeds[0]:
            known.latest[place] = report.value
        self._spend(trial.cell)

    def trial_ended(self, trial: Trial, end: End) -> None:
        """See `Listener`."""
        known, place = self._known[trial.cell], trial.config["place"]
        if end.outcome is Outcome.FINISHED:
            objective = float(known.cell.objectives[place, known.cell.seeds.index(trial.seed)])
            known.finished.setdefault(place, []).append(objective)
            self._regret_of(trial.cell)
        elif end.outcome is Outcome.DIVERGED:
            known.latest[place] = DIVERGED
            self._spend(trial.cell)

    def _spend(self, cell: Cell) -> None:
        self._spent += self._every
        self._regret_of(cell)

    def _regret_of(self, name: Cell) -> None:
        cell = self._known[name].cell
        points = cell.regret(self._known[name].choice())
        regret = np.array([points / cell.at_random if cell.at_random else 0.0, points])
        self._sum = self._sum + regret - self._regrets[name]
        self._regrets[name] = regret
        self._note()

    def _note(self) -> None:
        # a sum of differences has rounding errors
        relative, points = (max(0.0, round(one / len(self._regrets), 12)) for one in self._sum.tolist())
        self._curve.append((self._spent, relative, points))
