"""Recorded learning curves of the trials of some cells, with which a replay answers instead of training."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainables.words import Cell

DIVERGED = -np.inf
"""Stands for the value of a report at which training had diverged."""


@dataclass(frozen=True)
class RecordedCell:
    """The recorded trials of one cell; a configuration is given by its place among `configurations`.

    Attributes:
        cell: as its study or its table names it.
        configurations: names of the configurations: their numbers or learning rates.
        rates: whether they are learning rates, so that any other one has a nearest.
        seeds: of training.
        values: (configurations, seeds, reports), higher is better; `DIVERGED` where training ended by that, NaN after
            it and where the record ends.
        objectives: (configurations, seeds), by which a trained configuration is chosen; `DIVERGED` where training did,
            NaN where it was not finished.
        results: (configurations, seeds), what the trained network is worth, on other images where there are some.
        pace: (configurations, seeds), seconds between two reports.
        original: places in the record, where the configurations were brought into another order.
    """

    cell: Cell
    configurations: tuple[float, ...]
    rates: bool
    seeds: tuple[int, ...]
    values: NDArray[np.float64]
    objectives: NDArray[np.float64]
    results: NDArray[np.float64]
    pace: NDArray[np.float64]
    original: tuple[int, ...]

    def ordered_by(self, configurations: NDArray[np.int64], seeds: NDArray[np.int64]) -> RecordedCell:
        """The same cell with its configurations and seeds in another order."""
        arrays = ("values", "objectives", "results", "pace")
        return replace(
            self,
            configurations=_taken(self.configurations, configurations),
            original=_taken(self.original, configurations),
            seeds=_taken(self.seeds, seeds),
            **{name: getattr(self, name)[configurations][:, seeds] for name in arrays},
        )

    def objectives_by_seed(self, place: int) -> dict[int, float]:
        """A configuration's objectives, where it was trained to the end."""
        pairs = zip(self.seeds, self.objectives[place].tolist(), strict=True)
        return {seed: objective for seed, objective in pairs if objective > DIVERGED}

    def full(self, place: int, seeds: Iterable[int], iterations: Sequence[int]) -> int:
        """Iterations of a configuration that is not pruned: under each seed, as long as it ends under those before."""
        total = 0
        for seed in seeds:
            at = place, self.seeds.index(seed)
            total += (0, *iterations)[int((~np.isnan(self.values[at])).sum())]
            if not self.objectives[at] > DIVERGED:
                break
        return total

    @cached_property
    def truth(self) -> NDArray[np.float64]:
        """(configurations,) mean result over all recorded seeds; `DIVERGED` if one did, NaN where nothing is known."""
        known = np.where(np.isnan(self.results), 0.0, self.results).sum(axis=1)
        with np.errstate(invalid="ignore"):
            return known / (~np.isnan(self.results)).sum(axis=1)

    @cached_property
    def at_random(self) -> float:
        """How far the median of the configurations that did not diverge is below the best one."""
        known = self.truth[np.isfinite(self.truth)]
        return float(known.max() - np.median(known)) if len(known) else 0.0

    def regret(self, place: int | None) -> float:
        """How far a configuration is below the best one, in the unit of the values.

        No choice, or one below the median, counts as the median: whoever has measured nothing can draw at random.
        """
        truth = DIVERGED if place is None else self.truth[place]
        if not np.isfinite(truth):
            return self.at_random
        return min(float(self.truth[np.isfinite(self.truth)].max() - truth), self.at_random)


def _taken(values: Sequence[Any], places: NDArray[np.int64]) -> tuple[Any, ...]:
    return tuple(values[place] for place in places)


@dataclass(frozen=True)
class CurveSet:
    """Recorded curves.

    Attributes:
        name: of the table's file, or of the study.
        cells: at least one.
        iterations: of training, by report.
        left_out: cells that the record has and that cannot be replayed, with the reason.
        complete: whether every configuration was trained to its end under every seed.
    """

    name: str
    cells: tuple[RecordedCell, ...]
    iterations: tuple[int, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    complete: bool = True
