"""Predictions at image size, and how they compare with the truth, counted for each image."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from trainables.domains.classes import IGNORE

PIXELS_AT_ONCE = 2**19


def slices(count: int, height: int, width: int) -> Iterator[slice]:
    """Parts of `count` images that are small enough to be in memory at once, whatever the image size."""
    size = max(1, PIXELS_AT_ONCE // (height * width))
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def confusion(truth: Tensor, prediction: Tensor, classes: int) -> Tensor:
    """Counts (N, c, c) int64, rows truth, columns prediction, of class maps (N, H, W); ignored pixels count not."""
    images = torch.arange(len(truth), device=truth.device).view(-1, 1, 1)
    cells = (images * classes + truth.long()) * classes + prediction.long()
    counts = torch.bincount(cells[truth != IGNORE], minlength=len(truth) * classes**2)
    return counts.view(-1, classes, classes)
