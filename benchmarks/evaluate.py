"""mIoU of 500 label maps of Cityscapes' size, against torchmetrics and the numpy histogram of most segmentation code.

Ours keeps the counts of every image (the variance over images needs them), the others a total. Then the class maps that
are counted: scores of the network's size upsampled to the label's, class by class against all classes at once.
One thread each: numpy's histogram has no more, and neither has a trial by default.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import count
from typing import Protocol

import numpy as np
import torch
from rich.table import Table
from torchmetrics.classification import MulticlassConfusionMatrix, MulticlassJaccardIndex

from benchmarks.command_line import Result, Timing, alternately, data_root, figures_table, ratio, run
from benchmarks.label_maps import CELL, CITYSCAPES, SIZE, drawn_truths, erring, real_truths
from trainables.ass.evaluation import confusion, predicted_classes
from trainables.ass.metrics import iou_per_class
from trainables.ass.segmentation import upsample
from trainables.domains.classes import IGNORE

CLASSES = len(CITYSCAPES)
Pair = tuple[np.ndarray, np.ndarray]
"""Truth and prediction (H, W) uint8."""


class Way(Protocol):
    """A way to evaluate images one after another."""

    def update(self, truth: np.ndarray, prediction: np.ndarray) -> None:
        """Count an image."""
        ...

    def iou(self) -> np.ndarray:
        """IoU (c,) in percent of all images counted."""
        ...


class Ours:
    """Confusion counts of every image, as a trial's reports keep them."""

    def __init__(self) -> None:
        self.confusions: list[np.ndarray] = []

    def update(self, truth: np.ndarray, prediction: np.ndarray) -> None:
        """Count an image."""
        maps = (torch.from_numpy(truth)[None], torch.from_numpy(prediction)[None])
        self.confusions.append(confusion(*maps, classes=CLASSES).numpy())

    def iou(self) -> np.ndarray:
        """IoU (c,) in percent of all images counted."""
        return iou_per_class(np.concatenate(self.confusions).sum(0))


class NumpyHistogram:
    """What most segmentation code does: select the valid pixels, number the pairs, count the numbers."""

    def __init__(self) -> None:
        self.total = np.zeros((CLASSES, CLASSES), np.int64)

    def update(self, truth: np.ndarray, prediction: np.ndarray) -> None:
        """Count an image."""
        valid = truth < CLASSES
        numbers = CLASSES * truth[valid].astype(np.int64) + prediction[valid]
        self.total += np.bincount(numbers, minlength=CLASSES**2).reshape(CLASSES, CLASSES)

    def iou(self) -> np.ndarray:
        """IoU (c,) in percent of all images counted."""
        return iou_per_class(self.total)


class Torchmetrics:
    """A metric of torchmetrics without its input checks, on class maps of some integer type."""

    def __init__(self, metric: MulticlassConfusionMatrix, dtype: torch.dtype) -> None:
        self.metric, self.dtype = metric, dtype

    def update(self, truth: np.ndarray, prediction: np.ndarray) -> None:
        """Count an image."""
        self.metric.update(torch.from_numpy(prediction).to(self.dtype), torch.from_numpy(truth).to(self.dtype))

    def iou(self) -> np.ndarray:
        """IoU (c,) in percent of all images counted."""
        found = self.metric.compute().numpy()
        return iou_per_class(found) if found.ndim == 2 else 100 * found


def ways() -> dict[str, Way]:
    """Ours and the peers by name; torchmetrics' `segmentation.MeanIoU` is left out, since it cannot ignore pixels."""
    unchecked = {"num_classes": CLASSES, "ignore_index": IGNORE, "validate_args": False}
    all_ways: dict[str, Way] = {"ours": Ours(), "numpy histogram": NumpyHistogram()}
    for dtype in (torch.uint8, torch.int64):
        kind = str(dtype).removeprefix("torch.")
        matrix, index = MulticlassConfusionMatrix(**unchecked), MulticlassJaccardIndex(**unchecked, average="none")
        all_ways[f"torchmetrics ConfusionMatrix, {kind}"] = Torchmetrics(matrix, dtype)
        all_ways[f"torchmetrics JaccardIndex, {kind}"] = Torchmetrics(index, dtype)
    return all_ways


def compare(pairs: list[Pair], images: int, rounds: int) -> tuple[dict[str, Timing], dict[str, float]]:
    """Seconds per image and mIoU of every way; raises AssertionError where their IoUs are not equal."""
    compared = ways()
    timings = alternately({name: _round(way, pairs, images) for name, way in compared.items()}, rounds)
    for name, way in compared.items():
        np.testing.assert_allclose(way.iou(), compared["ours"].iou(), rtol=1e-6, err_msg=name)
    means = {name: float(np.nanmean(way.iou())) for name, way in compared.items()}
    return {name: timing.per(images) for name, timing in timings.items()}, means


def _round(way: Way, pairs: list[Pair], images: int) -> Callable[[], None]:
    numbers = count()

    def evaluate() -> None:
        for _ in range(images):
            way.update(*pairs[next(numbers) % len(pairs)])

    return evaluate


def compare_class_maps(size: tuple[int, int], rounds: int) -> dict[str, Timing]:
    """Seconds for the class map of an image, from scores of an eighth of half its size, as the paper's profile has."""
    height, width = size
    scores = torch.randn(
        1, CLASSES, height // 2 // CELL, width // 2 // CELL, generator=torch.Generator().manual_seed(0)
    )
    assert torch.equal(predicted_classes(scores, size), upsample(scores, size).argmax(1))
    return alternately(
        {"ours": lambda: predicted_classes(scores, size), "at once": lambda: upsample(scores, size).argmax(1)}, rounds
    )


def measure(quick: bool) -> Result:
    """Measure both comparisons."""
    truths = real_truths(data_root())
    kind = f"{len(truths)} real label maps" if truths else "drawn label maps"
    pairs = [(truth, erring(truth, number)) for number, truth in enumerate(truths or drawn_truths(8))]
    images, rounds = (2, 10) if quick else (20, 25)
    timings, means = compare(pairs, images, rounds)
    torchmetrics = min((name for name in timings if name.startswith("torchmetrics")), key=lambda n: timings[n].median)
    width, height = SIZE
    class_maps = compare_class_maps((height, width), 3 if quick else 10)
    figures = {
        "torchmetrics_ratio": ratio(timings, torchmetrics, "ours"),
        "numpy_ratio": ratio(timings, "numpy histogram", "ours"),
        "class_maps_ratio": ratio(class_maps, "at once", "ours"),
    }
    title = f"mIoU of {images * rounds} images of {width}x{height}, {CLASSES} classes ({kind}, seen again and again)"
    shown = [_table(title, timings, means), _table("their class maps, from scores of the network's size", class_maps)]
    return Result([*shown, f"figures: torchmetrics_ratio against {torchmetrics}"], figures)


def _table(title: str, timings: dict[str, Timing], means: dict[str, float] | None = None) -> Table:
    table = figures_table(title, "", "an image, median (range)", "times ours", *(["mIoU"] if means else []))
    for name, timing in timings.items():
        mean = [f"{means[name]:.4f}"] if means else []
        table.add_row(name, str(timing), f"{ratio(timings, name, 'ours'):.2f}", *mean)
    return table


if __name__ == "__main__":
    sys.exit(run("evaluate", __doc__, measure, threads=1))
