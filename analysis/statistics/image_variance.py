"""What other images of the same kind would change, by the jackknife over independent units of images.

mIoU is no mean over images: each unit (an image, or a sequence, city or block whose images resemble each other) is left
out in turn, counts are summed over the rest, and IoU is taken of the sums (Efron and Stein, 1981; Miller, 1974).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from trainables.ass.metrics import intersections_and_unions, iou_of


@dataclass(frozen=True)
class SharedByImages:
    """What images do to all seeds alike, for differences that are means over seeds.

    Attributes:
        covariance: over images (comparisons, comparisons), without negative variances.
        between: mean squares of units (comparisons,), which hold what images do to all seeds and to single ones.
        within: what images do to single seeds (comparisons,). A variance is `between - within`, or 0 if that is less.
        df: degrees of freedom of both (2, comparisons).
    """

    covariance: np.ndarray
    between: np.ndarray
    within: np.ndarray
    df: np.ndarray


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


def shared_by_images(pulls: np.ndarray) -> SharedByImages:
    """Variances and covariances over images, with what their uncertainty follows from.

    Only what images do to all seeds alike: what an image does to the networks of one seed is already part of the spread
    between seeds, and would be counted twice. So products are taken of different seeds (as in Obuchowski and Rockette,
    1995, for readers and cases), which is a difference of two mean squares.

    Args:
        pulls: differences of `influences` (comparisons, seeds, units), NaN for a seed that a comparison lacks. At least
            two seeds each, and two units.
    """
    there = ~np.isnan(pulls[:, :, 0])
    seeds, units = there.sum(axis=1).astype(float), pulls.shape[2]
    pulls = np.nan_to_num(pulls)
    pulls = pulls - pulls.mean(axis=2, keepdims=True)
    over_seeds = pulls.sum(axis=1)
    flat = pulls.reshape(len(pulls), -1)
    pairs = np.outer(seeds, seeds) - there.astype(float) @ there.T
    products = (over_seeds @ over_seeds.T - flat @ flat.T) / np.maximum(pairs, 1) / (units * (units - 1))
    between = (over_seeds**2).sum(axis=1) / seeds**2 / (units * (units - 1))
    df = (units - 1) * np.array([np.ones_like(seeds), seeds - 1])
    return SharedByImages(_without_negative_variances(products), between, between - np.diag(products), df)


def _without_negative_variances(products: np.ndarray) -> np.ndarray:
    """The same variances, but at least 0, with correlations of the nearest matrix that can be a covariance.

    That matrix itself has larger variances, by far where there are more comparisons than units.
    """
    values, vectors = np.linalg.eigh(products)
    nearest = (vectors * np.maximum(values, 0)) @ vectors.T
    kept = np.maximum(np.diag(products), 0) / np.maximum(np.diag(nearest), 1e-300)
    return nearest * np.sqrt(np.outer(kept, kept))
