"""Predictions at image size, and how they compare with the truth, counted for each image."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from trainables.ass.segmentation import upsample
from trainables.domains.classes import IGNORE

PIXELS_AT_ONCE = 2**19


def slices(count: int, height: int, width: int) -> Iterator[slice]:
    """Parts of `count` images that are small enough to be in memory at once, whatever the image size."""
    size = max(1, PIXELS_AT_ONCE // (height * width))
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def predicted_classes(scores: Tensor, size: tuple[int, ...]) -> Tensor:
    """Class maps (N, *size) uint8 of score maps (N, c, h, w): the class whose upsampled score is highest, or the first.

    The result is `upsample(scores, size).argmax(1)` of float32 scores, except for rounding in the interpolation of
    several channels. It works class by class, because the scores of one class at `size` stay in the cache, while those
    of 19 classes at 2048x1024 take 160 MB.
    """
    scores = scores.float()
    highest = upsample(scores[:, :1], size)
    classes = torch.zeros_like(highest, dtype=torch.uint8)
    for number in range(1, scores.shape[1]):
        of_class = upsample(scores[:, number : number + 1], size)
        won = (of_class > highest).view(torch.uint8)
        torch.maximum(classes, won * number, out=classes)  # `number` is higher than every class before it
        torch.maximum(highest, of_class, out=highest)
    return classes[:, 0]


def confusion(truth: Tensor, prediction: Tensor, classes: int) -> Tensor:
    """Counts (N, c, c) int64, rows truth, columns prediction, of class maps (N, H, W) uint8 or int64.

    Ignored pixels are not counted. Raises ValueError for a class outside 0 to c - 1.
    """
    pairs = zip(truth.flatten(1), prediction.flatten(1), strict=True)
    return torch.stack([_confusion_of_image(*pair, classes) for pair in pairs])


def _confusion_of_image(truth: Tensor, prediction: Tensor, classes: int) -> Tensor:
    """Counts (c, c) of two maps (H W): a number of two bytes for each pixel, and one pass that counts the numbers.

    Ignored pixels are counted like all others, as truth 255, and then left out: to remove them first takes longer.
    """
    numbers = truth.to(torch.int16 if classes <= 128 else torch.int32, copy=True).mul_(classes).add_(prediction)
    counts = torch.bincount(numbers, minlength=256 * classes)[: 256 * classes].view(256, classes)
    if prediction.max() >= classes or counts[classes:IGNORE].any():
        raise ValueError(f"a class map has other classes than 0 to {classes - 1}")
    return counts[:classes]
