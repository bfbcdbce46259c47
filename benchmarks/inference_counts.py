"""Drawn confusion counts of which the truth is known, for the whole path from pixels to verdicts.

All cells are drawn alike, so that no mIoU differs but by the luck of seeds and images. Classes are rare and common,
some images lack most of them, and an image is hard for all cells, for one cell, or for one network.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from analysis.statistics.image_variance import influences, overlaps_by_unit, overlaps_of
from analysis.statistics.verdict import Runs
from benchmarks.inference_draws import IMAGES, Point, units
from trainables.ass.metrics import miou

CLASSES, PIXELS = 8, 50_000
RECALL = np.linspace(3.0, 0.5, CLASSES)
"""Of the classes, on the logit scale."""
NETWORK, OF_ALL, OF_NETWORK = 0.15, 0.5, 0.3
"""Standard deviations on the logit scale: luck of a network per class, and of images per class for all cells and for
one network alone."""


def drawn_confusions(point: Point, rng: np.random.Generator) -> np.ndarray:
    """Counts (cells, seeds, images, classes, classes) of one study; `images` scales what one cell finds hard."""
    cells, seeds, of_image = point.comparisons + 1, point.seeds, units(point.kind)
    blocks = of_image[-1] + 1

    def hard(*shape: int) -> np.ndarray:
        """Of units, the same for all their images."""
        return rng.standard_normal((*shape, blocks, CLASSES))[..., of_image, :]

    shares = rng.dirichlet(np.full(CLASSES, 0.4), blocks)[of_image] * rng.dirichlet(np.full(CLASSES, 4.0), IMAGES)
    pixels = PIXELS * shares / shares.sum(axis=1, keepdims=True)
    logit = RECALL + NETWORK * rng.standard_normal((cells, seeds, 1, CLASSES)) + OF_ALL * hard(1, 1)
    logit = logit + OF_NETWORK * (hard(cells, seeds) + np.sqrt(point.images) * hard(cells, 1))
    right = special.expit(logit)
    spread = (1 - np.eye(CLASSES)) / (CLASSES - 1)
    confusions = (pixels * (1 - right))[..., None] * spread
    confusions[..., range(CLASSES), range(CLASSES)] = pixels * right
    return np.rint(confusions).astype(np.int64)


def drawn_runs(point: Point, rng: np.random.Generator) -> Runs:
    """One study, from counts on the path that real data take."""
    confusions = drawn_confusions(point, rng)
    mious = {
        str(cell): {seed: miou(run.sum(axis=0)) for seed, run in enumerate(runs)}
        for cell, runs in enumerate(confusions)
    }
    pulls = {
        str(cell): {
            seed: influences(overlaps_by_unit(overlaps_of(run), units(point.kind).tolist()))
            for seed, run in enumerate(runs)
        }
        for cell, runs in enumerate(confusions)
    }
    return Runs(mious, pulls=pulls)
