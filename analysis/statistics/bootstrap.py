"""Paired bootstrap over the images of a split, on their stored confusion counts (Efron and Tibshirani, 1993).

mIoU is no mean over images: images are drawn with replacement, their counts summed, and IoU taken of the sums. Both
sides are seen on the same images of every draw, so what makes an image hard for both cancels in their difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy import stats

from trainables.ass.metrics import intersections_and_unions, iou_of

BATCH = 1000
"""Resamples held in memory at once."""


@dataclass(frozen=True)
class Comparison:
    """How much more mIoU one side has than the other, in points.

    Attributes:
        difference: on the images as they are.
        low: lower end of the interval (bias-corrected and accelerated).
        high: its upper end.
        p_value: two-sided, that there is no difference; at least 1 / (resamples + 1).
        resampled: the difference in each resample.
    """

    difference: float
    low: float
    high: float
    p_value: float
    resampled: np.ndarray


@dataclass(frozen=True)
class Side:
    """What a comparison needs of one side: its runs on one set of images.

    Attributes:
        overlaps: intersections and unions (runs, images, 2, classes).
        resampled: mIoU in percent (runs, resamples); sides of equal numbers of images have the same draws.
    """

    overlaps: np.ndarray
    resampled: np.ndarray


def resampled_side(confusions: np.ndarray, resamples: int = 10_000, seed: int = 0) -> Side:
    """Draw images with replacement, as often as there are images, and take mIoU of the summed counts.

    Args:
        confusions: counts (runs, images, classes, classes), rows truth, columns prediction.
        resamples: how often images are drawn.
        seed: of the draws.
    """
    overlaps, images = overlaps_of(confusions), confusions.shape[1]
    rng = np.random.default_rng(seed)
    sizes = [min(BATCH, resamples - begun) for begun in range(0, resamples, BATCH)]
    draws = (times_drawn(rng.integers(images, size=(size, images)), images) for size in sizes)
    return Side(overlaps, np.concatenate([resampled_mious(overlaps, drawn) for drawn in draws], axis=-1))


def together(sides: Sequence[Side]) -> Side:
    """Runs of several sides as one."""
    return Side(np.concatenate([s.overlaps for s in sides]), np.concatenate([s.resampled for s in sides]))


def compare(ours: Side, theirs: Side, level: float = 0.95) -> Comparison:
    """The mean difference in mIoU over runs, and what it would be on other images of the same kind.

    Args:
        ours: the one side.
        theirs: the other, as many runs on the same images in the same order, with the same draws.
        level: coverage of the interval.

    Raises ValueError where the two do not belong together.
    """
    if (ours.overlaps.shape, ours.resampled.shape) != (theirs.overlaps.shape, theirs.resampled.shape):
        raise ValueError(f"runs and images of {ours.overlaps.shape} and {theirs.overlaps.shape} cannot be paired")
    overlaps = np.stack([ours.overlaps, theirs.overlaps])
    images = np.arange(ours.overlaps.shape[1])

    def difference(drawn: np.ndarray, axis: int = -1) -> np.ndarray:
        mious = resampled_mious(overlaps, times_drawn(np.atleast_2d(drawn), len(images)))
        return (mious[0] - mious[1]).mean(axis=0).reshape(drawn.shape[:-1])

    found = float(difference(images))
    resampled = (ours.resampled - theirs.resampled).mean(axis=0)
    if np.ptp(resampled) == 0:  # no spread, of which scipy would make NaN
        return Comparison(found, found, found, p_value(resampled), resampled)
    # scipy draws no more, and makes the interval of a distribution that it is given
    drawn: Any = SimpleNamespace(bootstrap_distribution=resampled)
    interval = stats.bootstrap(
        (images,), difference, n_resamples=0, bootstrap_result=drawn, confidence_level=level, method="BCa"
    ).confidence_interval
    return Comparison(found, float(interval.low), float(interval.high), p_value(resampled), resampled)


def overlaps_of(confusions: np.ndarray) -> np.ndarray:
    """Intersections and unions (..., images, 2, classes), of counts (..., images, classes, classes)."""
    return np.stack(intersections_and_unions(confusions), axis=-2)


def times_drawn(drawn: np.ndarray, images: int) -> np.ndarray:
    """How often each image is in each resample (resamples, images), of the images' numbers (resamples, any)."""
    resamples = len(drawn)
    numbered = drawn + images * np.arange(resamples)[:, None]
    return np.bincount(numbered.ravel(), minlength=resamples * images).reshape(resamples, images)


def resampled_mious(overlaps: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """mIoU in percent (..., resamples).

    Args:
        overlaps: (..., images, 2, classes); sums are exact, since counts below 2**53 are.
        weights: how often each image counts (resamples, images).
    """
    flat = overlaps.reshape(*overlaps.shape[:-2], -1)
    intersection, union = np.split(weights.astype(np.float64) @ flat, 2, axis=-1)
    return np.nanmean(iou_of(intersection, union), axis=-1)


def p_value(resampled: np.ndarray) -> float:
    """Two-sided, from the share of resampled differences on the other side of zero."""
    beyond = min((resampled <= 0).sum(), (resampled >= 0).sum())
    return float(min(1.0, 2 * (beyond + 1) / (len(resampled) + 1)))
