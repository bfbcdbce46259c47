"""IoU from confusion counts."""

from __future__ import annotations

import numpy as np


def intersections_and_unions(confusion: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Intersections and unions (..., c) float64 of counts (..., c, c), rows truth, columns prediction."""
    intersection = np.diagonal(confusion, axis1=-2, axis2=-1)
    union = confusion.sum(-1) + confusion.sum(-2) - intersection
    return intersection.astype(np.float64), union.astype(np.float64)


def iou_of(intersection: np.ndarray, union: np.ndarray) -> np.ndarray:
    """Intersection over union in percent, of arrays of one shape; NaN where the union is empty."""
    return 100 * np.divide(intersection, union, out=np.full_like(union, np.nan), where=union > 0)


def iou_per_class(confusion: np.ndarray) -> np.ndarray:
    """Intersection over union (..., c) in percent from counts (..., c, c), rows truth, columns prediction.

    NaN for a class that is neither in the truth nor in the prediction.
    """
    return iou_of(*intersections_and_unions(confusion))


def miou(confusion: np.ndarray) -> float:
    """Mean IoU in percent, from counts (c, c), over the classes in the truth or in the prediction; NaN without any."""
    iou = iou_per_class(confusion)
    return float(np.nanmean(iou)) if not np.isnan(iou).all() else float("nan")
