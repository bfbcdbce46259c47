"""What other images of the same kind would change, by the jackknife over independent units of images.

mIoU is no mean over images: each unit (an image, or a sequence, city or block whose images resemble each other) is left
out in turn, counts are summed over the rest, and IoU is taken of the sums (Efron and Stein, 1981; Miller, 1974).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from trainables.ass.metrics import intersections_and_unions, iou_of


def overlaps_of(confusions: np.ndarray) -> np.ndarray:
    """Intersections and unions (..., images, 2, classes), of counts (..., images, classes, classes)."""
    return np.stack(intersections_and_unions(confusions), axis=-2)


def overlaps_by_unit(overlaps: np.ndarray, units: Sequence[Hashable]) -> np.ndarray:
    """Intersections and unions (units, 2, classes) summed over the images of each unit, units in order of appearance.

    Args:
        overlaps: (images, 2, classes), as of `overlaps_of`.
        units: of each image.
    """
    numbers = {unit: number for number, unit in enumerate(dict.fromkeys(units))}
    summed = np.zeros((len(numbers), *overlaps.shape[1:]))
    np.add.at(summed, [numbers[unit] for unit in units], overlaps)
    return summed


def influences(overlaps: np.ndarray) -> np.ndarray:
    """How much each unit pulls mIoU up (units,), in points times units; they sum to about zero.

    Their variance over the number of units is the variance of mIoU over images.

    Args:
        overlaps: of one run (units, 2, classes).
    """
    total = overlaps.sum(axis=0)
    without = total - overlaps
    mious = np.nanmean(iou_of(without[:, 0], without[:, 1]), axis=-1)
    return (len(overlaps) - 1) * (mious.mean() - mious)


def shared_covariance(pulls: np.ndarray) -> np.ndarray:
    """Covariance over images (comparisons, comparisons) of differences that are means over seeds.

    Only what images do to all seeds alike: what an image does to the networks of one seed is already part of the spread
    between seeds, and would be counted twice. So products are taken of different seeds (as in Obuchowski and Rockette,
    1995, for readers and cases), and the nearest matrix without negative variances is returned.

    Args:
        pulls: differences of `influences` (comparisons, seeds, units), NaN for a seed that a comparison lacks.
    """
    there = ~np.isnan(pulls[:, :, 0])
    units = pulls.shape[2]
    pulls = np.nan_to_num(pulls)
    pulls = pulls - pulls.mean(axis=2, keepdims=True)
    over_seeds = pulls.sum(axis=1)
    flat = pulls.reshape(len(pulls), -1)
    counts = there.sum(axis=1).astype(float)
    pairs = np.outer(counts, counts) - there.astype(float) @ there.T
    products = (over_seeds @ over_seeds.T - flat @ flat.T) / np.maximum(pairs, 1)
    values, vectors = np.linalg.eigh(products / (units * (units - 1)))
    return (vectors * np.maximum(values, 0)) @ vectors.T
