"""What trials made of a few images of the report split (Figure 3 of the paper)."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from analysis.artifacts import Files

FILE = "predictions.parquet"
"""The artifact of a finished trial: columns `image` (name), `pixels`, `truth`, `prediction` (PNGs; class ids)."""
IGNORE = 255


@dataclass(frozen=True)
class PredictedImage:
    """One image with its truth and a trial's prediction.

    Attributes:
        image: its name.
        pixels: (H, W, 3) uint8.
        truth: class ids (H, W) uint8, 255 where ignored.
        prediction: class ids (H, W) uint8.
        colors: (256, 3) uint8 by class id, black where there is no class.
        classes: names by class id.
    """

    image: str
    pixels: np.ndarray
    truth: np.ndarray
    prediction: np.ndarray
    colors: np.ndarray
    classes: tuple[str, ...]

    def colored(self, labels: np.ndarray) -> np.ndarray:
        """Class ids as colours (H, W, 3); black where the truth is ignored."""
        return self.colors[np.where(self.truth == IGNORE, IGNORE, labels)]


def pictures_of(files: Files, runs: Sequence[str]) -> dict[str, list[PredictedImage]]:
    """Pictures of these runs; without those that kept none."""
    return {run: read_pictures(files.read(run, FILE)) for run in runs if FILE in files.paths(run)}


def read_pictures(content: bytes) -> list[PredictedImage]:
    """The pictures of one trial's file."""
    table = pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True).read(use_threads=False)
    classes = tuple(json.loads(table.schema.metadata[b"classes"]))
    colors = np.zeros((256, 3), np.uint8)
    colors[: len(classes)] = json.loads(table.schema.metadata[b"colors"])
    columns = zip(*(map(_pixels, table[name].to_pylist()) for name in ("pixels", "truth", "prediction")), strict=True)
    named = zip(table["image"].to_pylist(), columns, strict=True)
    return [
        PredictedImage(name, pixels, truth, prediction, colors, classes) for name, (pixels, truth, prediction) in named
    ]


def _pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)))
