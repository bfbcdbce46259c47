"""Confusion counts of trials on the report split, one matrix per image, as one array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.artifacts import Files
from trainables.confusions import confusions_from_parquet

FILE = "report_confusions.parquet"
"""The artifact of a finished trial that holds them, as `trainables.confusions` writes it."""


@dataclass(frozen=True)
class Confusions:
    """Pixel counts of runs on the same images.

    Attributes:
        counts: (runs, images, classes, classes), rows truth, columns prediction.
        runs: their identities.
        images: their names.
        classes: their names.
        units: the unit that each image is in. Images of one unit, such as consecutive frames of a video, are not
            independent of each other: an interval over images resamples whole units.
        resample_by: what a unit is, such as `image`.
    """

    counts: np.ndarray
    runs: tuple[str, ...]
    images: tuple[str, ...]
    classes: tuple[str, ...]
    units: tuple[str, ...]
    resample_by: str

    def of(self, runs: Sequence[str]) -> np.ndarray:
        """The counts of some runs, in their order."""
        return self.counts[[self.runs.index(run) for run in runs]]


def confusions_of(files: Files, runs: Sequence[str]) -> Confusions | None:
    """Counts of these runs; None where there are no runs or one of them has none.

    Raises ValueError where runs saw other images, units or classes than the first one.
    """
    if not runs or any(FILE not in files.paths(run) for run in runs):
        return None
    read = [confusions_from_parquet(files.read(run, FILE)) for run in runs]
    first = read[0]
    for run, found in zip(runs, read, strict=True):
        if found[1:] != first[1:]:
            raise ValueError(f"runs {runs[0]} and {run} were evaluated on other images, units or classes")
    return Confusions(
        counts=np.stack([found.counts for found in read]),
        runs=tuple(runs),
        images=tuple(first.images),
        classes=tuple(first.classes),
        units=tuple(first.units),
        resample_by=first.resample_by,
    )
