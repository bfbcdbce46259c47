"""Predictions of a few images, read back with nothing but pyarrow and Pillow."""

from __future__ import annotations

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from trainables.domains.classes import IGNORE, ClassSet
from trainables.panel import MAX_WIDTH
from trainables.predictions import predictions_to_parquet

CLASSES = ClassSet(("road", "car"), ((128, 64, 128), (0, 0, 142)))


def pictures(content: bytes, column: str) -> np.ndarray:
    table = pq.read_table(pa.BufferReader(content))
    return np.stack([np.asarray(Image.open(io.BytesIO(png))) for png in table[column].to_pylist()])


def test_pixels_truth_and_prediction_are_kept_as_they_are() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2, 8, 16, 3), dtype=np.uint8)
    truth, prediction = rng.integers(0, 2, (2, 2, 8, 16), dtype=np.uint8)
    truth[0, 0] = IGNORE
    content = predictions_to_parquet(["a", "b"], images, truth, prediction, CLASSES)
    np.testing.assert_array_equal(pictures(content, "pixels"), images)
    np.testing.assert_array_equal(pictures(content, "truth"), truth)
    np.testing.assert_array_equal(pictures(content, "prediction"), prediction)
    table = pq.read_table(pa.BufferReader(content))
    assert table["image"].to_pylist() == ["a", "b"]
    assert json.loads(table.schema.metadata[b"classes"]) == list(CLASSES.names)
    assert json.loads(table.schema.metadata[b"colors"]) == [list(color) for color in CLASSES.colors]


def test_labels_larger_than_their_images_and_large_images_are_shrunk() -> None:
    images = np.zeros((1, 20, 2 * MAX_WIDTH, 3), np.uint8)
    labels = np.ones((1, 40, 4 * MAX_WIDTH), np.uint8)
    content = predictions_to_parquet(["a"], images, labels, labels, CLASSES)
    assert pictures(content, "pixels").shape == (1, 10, MAX_WIDTH, 3)
    assert pictures(content, "prediction").shape == (1, 10, MAX_WIDTH)
    assert (pictures(content, "prediction") == 1).all()
