"""Confusion counts of trials on the report split, one matrix per image, as one array."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.artifacts import Files

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
        """Those of some runs, in their order."""
        return self.counts[[self.runs.index(run) for run in runs]]


def confusions_of(files: Files, runs: Sequence[str]) -> Confusions | None:
    """Counts of these runs; None where there are no runs or one of them has none.

    Raises ValueError where runs saw other images or other classes than the first one.
    """
    if not runs or any(FILE not in files.paths(run) for run in runs):
        return None
    read = [counts_of(files.read(run, FILE)) for run in runs]
    _, images, classes = read[0]
    for run, (_, other_images, other_classes) in zip(runs, read, strict=True):
        if (other_images, other_classes) != (images, classes):
            raise ValueError(f"runs {runs[0]} and {run} were evaluated on other images or other classes")
    return Confusions(np.stack([counts for counts, _, _ in read]), tuple(runs), tuple(images), tuple(classes))


def counts_of(content: bytes) -> tuple[np.ndarray, list[str], list[str]]:
    """Counts (images, classes, classes), names of images and of classes, of one trial's file."""
    table = pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True).read(use_threads=False)
    classes = json.loads(table.schema.metadata[b"classes"])
    counts = table["counts"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return counts.reshape(-1, len(classes), len(classes)), table["image"].to_pylist(), classes


def iou(counts: np.ndarray) -> np.ndarray:
    """IoU per class in percent (..., classes), of counts (..., classes, classes); NaN for a class that is nowhere."""
    hit = np.diagonal(counts, axis1=-2, axis2=-1).astype(np.float64)
    union = counts.sum(-1) + counts.sum(-2) - hit
    return 100 * np.divide(hit, union, out=np.full_like(hit, np.nan), where=union > 0)
