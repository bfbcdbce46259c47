"""Confusion counts of trials on the report split, one matrix per image, as one array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.artifacts import Files
from trainables.confusions import confusions_from_parquet

FILE = "report_confusions.parquet"
"""The artifact of a finished trial that holds them: columns `image` and `counts`, `classes` in its metadata."""


@dataclass(frozen=True)
class Confusions:
    """Pixel counts (runs, images, classes, classes), rows truth, columns prediction."""

    counts: np.ndarray
    runs: tuple[str, ...]
    images: tuple[str, ...]
    classes: tuple[str, ...]

    def of(self, runs: Sequence[str]) -> np.ndarray:
        """The counts of some runs, in their order."""
        return self.counts[[self.runs.index(run) for run in runs]]


def confusions_of(files: Files, runs: Sequence[str]) -> Confusions | None:
    """Counts of these runs; None where there are no runs or one of them has none.

    Raises ValueError where runs saw other images or other classes than the first one.
    """
    if not runs or any(FILE not in files.paths(run) for run in runs):
        return None
    read = [confusions_from_parquet(files.read(run, FILE)) for run in runs]
    _, images, classes = read[0]
    for run, (_, other_images, other_classes) in zip(runs, read, strict=True):
        if (other_images, other_classes) != (images, classes):
            raise ValueError(f"runs {runs[0]} and {run} were evaluated on other images or other classes")
    return Confusions(np.stack([counts for counts, _, _ in read]), tuple(runs), tuple(images), tuple(classes))
