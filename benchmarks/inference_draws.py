"""Drawn tables of which the truth is known: scores of images with the luck of seeds, networks and images in them.

The score of image i in a run of cell k and seed j is mean_k + seed_j + network_kj + image_ki + both_kji, and the mIoU
of the run its mean over images. Only `network` and `both` differ between runs of one cell, and only `image` is common
to them. In units of mIoU points: the difference of two runs of one seed has a standard deviation of 1.
"""

from __future__ import annotations

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

SPREADS = {
    "equal": lambda cells: np.ones(cells),
    "loud method": lambda cells: np.r_[np.ones(cells - 1), 2.5],
    "loud baseline": lambda cells: np.r_[2.0, np.ones(cells - 1)],
    "quiet baseline": lambda cells: np.r_[0.5, np.ones(cells - 1)],
    "all different": lambda cells: np.linspace(0.7, 1.4, cells)[np.r_[cells // 2, np.delete(np.arange(cells), cells // 2)]],
}
"""Standard deviations of the cells' residuals, the baseline's first, in units of the usual one."""


@dataclass(frozen=True)
class Point:
    """One design of the grid.

    Attributes:
        seeds: runs of a cell.
        comparisons: cells beside the baseline.
        spread: a name of `SPREADS`.
        images: variance of a gain over images, in units of its variance over seeds (of the mean of all seeds).
        kind: `independent`, `sequences`, or `video`: one sequence of neighbouring frames, cut into blocks.
        chosen: whether every cell but the baseline is the best of 8 by one trial on other images.
    """

    seeds: int
    comparisons: int
    spread: str = "equal"
    images: float = 0.0
    kind: str = "independent"
    chosen: bool = False


@dataclass(frozen=True)
class Drawn:
    """Studies of one design.

    Attributes:
        scores: (studies, cells, seeds, images), the baseline first.
        reused: the same where the seed that chose is the first of the table, as it was before.
        truth: mean gain of each chosen configuration (studies, comparisons).
        units: number of the unit of each image.
    """

    scores: np.ndarray
    reused: np.ndarray
    truth: np.ndarray
    units: np.ndarray

    def runs(self, study: int) -> Runs:
        """One study as the library takes it; the pull of a unit on a mean is its own deviation."""
        by_unit = np.stack([self.scores[study][..., self.units == unit].mean(-1) for unit in range(self.units[-1] + 1)], -1)
        mious = by_unit.mean(axis=-1)
        pulls = by_unit - mious[..., None]
        cells, seeds = range(mious.shape[0]), range(mious.shape[1])
        return Runs(
            {str(cell): {seed: float(mious[cell, seed]) for seed in seeds} for cell in cells},
            pulls={str(cell): {seed: pulls[cell, seed] for seed in seeds} for cell in cells},
        )


def draw(point: Point, studies: int, rng: np.random.Generator) -> Drawn:
    """Studies of a design; where it chooses, one seed more is drawn, which chose."""
    cells, sds = point.comparisons + 1, SPREADS[point.spread](point.comparisons + 1)
    shape = (studies, cells, point.seeds + 1)
    luck = np.sqrt(RUN_VARIANCE * (1 - BOTH)) * sds[:, None]
    network = luck * rng.standard_normal(shape)
    means = np.zeros((studies, cells))
    if point.chosen:
        means[:, 1:], network[:, 1:, 0] = _best_of_several(point, studies, luck[1:, 0], rng)
    seed = 2 * rng.standard_normal((studies, 1, point.seeds + 1))
    of_images = point.images / point.seeds
    image = np.sqrt(of_images * RUN_VARIANCE) * _effects(point.kind, (studies, cells), rng)
    both = np.sqrt(RUN_VARIANCE * BOTH) * sds[:, None, None] * _effects(point.kind, shape, rng)
    scores = (means[:, :, None] + seed + network)[..., None] + image[:, :, None] + both
    reused = scores[:, :, :-1] if point.chosen else scores[:, :, 1:]
    return Drawn(scores[:, :, 1:], reused, means[:, 1:] - means[:, :1], units(point.kind))


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
