"""Recorded learning curves of the trials of some cells: what a replay takes the place of training with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from trainables.words import Cell

DIVERGED = -np.inf
"""Stands for the value of a report at which training had diverged."""


@dataclass(frozen=True)
class RecordedCell:
    """The recorded trials of one cell.

    Attributes:
        cell: as its study or its table names it.
        configurations: numbers of the configurations, or their learning rates, in the order of the record.
        ordered: whether the configurations are learning rates, so that any other one has a nearest.
        seeds: of training, in the order of the record.
        values: (configurations, seeds, reports), higher is better; `DIVERGED` where training ended by that, NaN after
            it and where the record ends.
        objectives: (configurations, seeds), by which a trained configuration is chosen; `DIVERGED` where training did,
            NaN where it was not finished.
        results: (configurations, seeds), what the trained network is worth, on other images where there are some.
        pace: (configurations, seeds), seconds between two reports.
    """

    cell: Cell
    configurations: tuple[float, ...]
    ordered: bool
    seeds: tuple[int, ...]
    values: NDArray[np.float64]
    objectives: NDArray[np.float64]
    results: NDArray[np.float64]
    pace: NDArray[np.float64]

    @cached_property
    def truth(self) -> NDArray[np.float64]:
        """(configurations,) mean result over all recorded seeds; NaN where that is not known."""
        known = ~np.isnan(self.results)
        with np.errstate(invalid="ignore", divide="ignore"):
            means = np.where(known, self.results, 0.0).sum(axis=1) / known.sum(axis=1)
        return np.where((self.results == DIVERGED).any(axis=1), DIVERGED, means)

    @cached_property
    def at_random(self) -> float:
        """How far the median of the configurations that did not diverge is below the best one, in points."""
        known = self.truth[np.isfinite(self.truth)]
        return float(known.max() - np.median(known)) if len(known) else 0.0

    def regret(self, configuration: int | None) -> float:
        """How far a configuration, given by its place, is below the best one, in the unit of the values.

        No choice, or one below the median, counts as the median: whoever has measured nothing can draw at random.
        """
        truth = -np.inf if configuration is None else self.truth[configuration]
        if not np.isfinite(truth):
            return self.at_random
        known = self.truth[np.isfinite(self.truth)]
        return min(float(known.max() - truth), self.at_random)


@dataclass(frozen=True)
class CurveSet:
    """Recorded curves.

    Attributes:
        name: of the table's file, or of the study.
        cells: at least one.
        iterations: of training, by report.
        left_out: cells that the record has and that cannot be replayed, with the reason.
        complete: whether every configuration was trained to the end under every seed.
    """

    name: str
    cells: tuple[RecordedCell, ...]
    iterations: tuple[int, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    complete: bool = True
