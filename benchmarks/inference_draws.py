"""Drawn tables of which the truth is known: scores of images with the luck of seeds, networks and images in them.

The score of image i in a run of cell k and seed j is mean_k + seed_j + network_kj + image_ki + both_kji, and the mIoU
of the run its mean over images. Only `network` and `both` differ between runs of one cell, and only `image` is common
to them. In units of mIoU points: the difference of two runs of one seed has a standard deviation of 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analysis.statistics.verdict import Runs

IMAGES, SEQUENCE = 60, 6
"""Images of a split, and of one of its sequences."""
RESEMBLANCE = 0.6
"""Correlation of the effects of two images of one sequence."""
RUN_VARIANCE = 0.5
"""Of a run's residual, so that paired differences have a variance of 1."""
BOTH = 0.3
"""Share of it that differs from image to image."""
CONFIGURATIONS, CONFIGURATION_SD = 8, 0.5
"""Configurations that a tuned cell chooses from, and how much their means differ."""

LOUD_BUDGET = "loud budget"
SPREADS: dict[str, Callable[[int], np.ndarray]] = {
    "equal": np.ones,
    "loud method": lambda cells: np.r_[np.ones(cells - 1), 2.5],
    "loud baseline": lambda cells: np.r_[2.0, np.ones(cells - 1)],
    "quiet baseline": lambda cells: np.r_[0.5, np.ones(cells - 1)],
    "all different": lambda cells: np.roll(np.linspace(0.7, 1.4, cells), cells // 2),
    LOUD_BUDGET: np.ones,
}
"""Standard deviations of the residuals of a budget's cells, the baseline's first, in units of the usual one; those of a
loud budget are twice as large as those of the other budgets."""


@dataclass(frozen=True)
class Point:
    """One design of the grid.

    Attributes:
        seeds: runs of a cell.
        comparisons: cells beside the baselines.
        spread: a name of `SPREADS`.
        images: variance of a gain over images, in units of its variance over seeds (of the mean of all seeds).
        kind: `independent`, `sequences`, or `video`: one sequence of neighbouring frames, cut into blocks.
        chosen: whether every cell but the baselines is the best of 8 by one trial on other images.
        budgets: labeled-image budgets, each with a baseline of its own, that share the comparisons.
    """

    seeds: int
    comparisons: int
    spread: str = "equal"
    images: float = 0.0
    kind: str = "independent"
    chosen: bool = False
    budgets: int = 1

    @property
    def methods(self) -> int:
        """Comparisons of a budget."""
        return self.comparisons // self.budgets

    @property
    def sides(self) -> np.ndarray:
        """Numbers of the cells of each comparison (comparisons, 2); the first cell of a budget is its baseline."""
        first = np.arange(self.budgets) * (self.methods + 1)
        return np.array([(base + method, base) for base in first for method in range(1, self.methods + 1)])

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The same with their names."""
        return [(str(ours), str(theirs)) for ours, theirs in self.sides]

    @property
    def deviations(self) -> np.ndarray:
        """Standard deviation of the residuals of each cell."""
        of_budgets = np.ones(self.budgets)
        of_budgets[0] = 2 if self.spread == LOUD_BUDGET else 1
        return np.outer(of_budgets, SPREADS[self.spread](self.methods + 1)).ravel()


@dataclass(frozen=True)
class Drawn:
    """Studies of one design.

    Attributes:
        point: the design.
        scores: (studies, cells, seeds, images).
        reused: the same where the seed that chose is the first of the table, as it was before.
        truth: mean gain of each chosen configuration (studies, comparisons).
    """

    point: Point
    scores: np.ndarray
    reused: np.ndarray
    truth: np.ndarray

    def runs(self, study: int) -> Runs:
        """One study as the library takes it; the pull of a unit on a mean is its own deviation."""
        scores = self.scores[study]
        by_unit = scores.reshape(*scores.shape[:-1], units(self.point.kind)[-1] + 1, -1).mean(axis=-1)
        mious = by_unit.mean(axis=-1)
        pulls = by_unit - mious[..., None]
        cells, seeds = range(mious.shape[0]), range(mious.shape[1])
        return Runs(
            {str(cell): {seed: float(mious[cell, seed]) for seed in seeds} for cell in cells},
            {str(cell): cell // (self.point.methods + 1) for cell in cells},
            {str(cell): {seed: pulls[cell, seed] for seed in seeds} for cell in cells},
        )


def draw(point: Point, studies: int, rng: np.random.Generator) -> Drawn:
    """Studies of a design; where it chooses, one seed more is drawn, which chose."""
    ours, theirs = point.sides.T
    cells, deviations = len(point.deviations), point.deviations
    shape = (studies, cells, point.seeds + 1)
    luck = np.sqrt(RUN_VARIANCE * (1 - BOTH)) * deviations
    network = luck[:, None] * rng.standard_normal(shape)
    means = np.zeros((studies, cells))
    if point.chosen:
        means[:, ours], network[:, ours, 0] = _best_of_several(point, studies, luck[ours], rng)
    seed = 2 * np.repeat(rng.standard_normal((studies, point.budgets, point.seeds + 1)), point.methods + 1, axis=1)
    image = np.sqrt(point.images / point.seeds * RUN_VARIANCE) * _effects(point.kind, (studies, cells), rng)
    both = np.sqrt(RUN_VARIANCE * BOTH) * deviations[:, None, None] * _effects(point.kind, shape, rng)
    scores = (means[:, :, None] + seed + network)[..., None] + image[:, :, None] + both
    reused = scores[:, :, :-1] if point.chosen else scores[:, :, 1:]
    return Drawn(point, scores[:, :, 1:], reused, means[:, ours] - means[:, theirs])


def units(kind: str) -> np.ndarray:
    """The unit of each image."""
    return np.arange(IMAGES) // {"independent": 1, "sequences": SEQUENCE, "video": 10}[kind]


def _best_of_several(
    point: Point, studies: int, luck: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Mean of the chosen configuration, and luck of the network that it was chosen by (studies, comparisons)."""
    shape = (studies, point.comparisons, CONFIGURATIONS)
    mean = CONFIGURATION_SD * rng.standard_normal(shape)
    network = luck[:, None] * rng.standard_normal(shape)
    on_select = np.sqrt(RUN_VARIANCE * (BOTH + point.images / point.seeds)) * rng.standard_normal(shape)
    best = (mean + network + on_select).argmax(axis=2)[..., None]
    return np.take_along_axis(mean, best, 2)[..., 0], np.take_along_axis(network, best, 2)[..., 0]


def _effects(kind: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Effects of images (*shape, images) whose mean has a variance of 1."""
    own = rng.standard_normal((*shape, IMAGES))
    if kind == "independent":
        return own * np.sqrt(IMAGES)
    if kind == "sequences":
        common = np.repeat(rng.standard_normal((*shape, IMAGES // SEQUENCE)), SEQUENCE, axis=-1)
        variance = RESEMBLANCE * SEQUENCE / IMAGES + (1 - RESEMBLANCE) / IMAGES
        return (np.sqrt(RESEMBLANCE) * common + np.sqrt(1 - RESEMBLANCE) * own) / np.sqrt(variance)
    apart = np.abs(np.subtract.outer(np.arange(IMAGES), np.arange(IMAGES)))
    covariance = RESEMBLANCE**apart
    return own @ np.linalg.cholesky(covariance).T / np.sqrt(covariance.mean())
