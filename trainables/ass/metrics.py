"""IoU from confusion counts."""

from __future__ import annotations

import numpy as np


def iou_per_class(confusion: np.ndarray) -> np.ndarray:
    """Intersection over union (c,) in percent from counts (c, c), rows truth, columns prediction.

    NaN for a class that is neither in the truth nor in the prediction.
    """
    intersection = np.diagonal(confusion).astype(np.float64)
    union = confusion.sum(0) + confusion.sum(1) - intersection
    return 100 * np.divide(intersection, union, out=np.full_like(intersection, np.nan), where=union > 0)


def miou(confusion: np.ndarray) -> float:
    """Mean IoU in percent over the classes that are in the truth or in the prediction; NaN where none is."""
    iou = iou_per_class(confusion)
    return float(np.nanmean(iou)) if not np.isnan(iou).all() else float("nan")
