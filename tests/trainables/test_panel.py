"""The panel of a trial, pixel by pixel."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from trainables.domains.classes import IGNORE, ClassSet
from trainables.panel import GAP, MAX_WIDTH, MIN_WIDTH, labels_png, panel_png

CLASSES = ClassSet(("road", "car"), ((128, 64, 128), (0, 0, 142)))
COLORS = np.array(CLASSES.colors, np.uint8)


def panel(images: np.ndarray, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    picture = Image.open(io.BytesIO(panel_png(images, truth, prediction, CLASSES)))
    assert picture.format == "PNG"
    return np.asarray(picture)


def tiles(picture: np.ndarray, n: int, height: int, width: int, scale: int, columns: int = 3) -> np.ndarray:
    """The pictures without their frames and scale, as (n, columns, height, width, 3)."""
    assert picture.shape == (n * (height * scale + GAP), columns * (width * scale + GAP), 3)
    framed = picture.reshape(n, height * scale + GAP, columns, width * scale + GAP, 3).swapaxes(1, 2)
    assert (framed[:, :, height * scale :] == 255).all()
    assert (framed[:, :, :, width * scale :] == 255).all()
    inner = framed[:, :, : height * scale, : width * scale]
    blocks = inner.reshape(n, columns, height, scale, width, scale, 3)
    assert (blocks == blocks[:, :, :, :1, :, :1]).all()
    return blocks[:, :, :, 0, :, 0]


@pytest.mark.parametrize(
    ("height", "width", "scale"), [(4, MIN_WIDTH, 1), (3, MIN_WIDTH + 1, 1), (2, MIN_WIDTH // 2, 2), (5, 100, 3)]
)
def test_image_truth_and_prediction_stand_side_by_side(height: int, width: int, scale: int) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2, height, width, 3), dtype=np.uint8)
    truth, prediction = rng.integers(0, 2, (2, 2, height, width), dtype=np.uint8)
    shown = tiles(panel(images, truth, prediction), 2, height, width, scale)
    np.testing.assert_array_equal(shown[:, 0], images)
    np.testing.assert_array_equal(shown[:, 1], COLORS[truth])
    np.testing.assert_array_equal(shown[:, 2], COLORS[prediction])


def test_ignored_pixels_are_black_in_truth_and_prediction() -> None:
    images = np.full((1, 2, MIN_WIDTH, 3), 200, np.uint8)
    truth = np.zeros((1, 2, MIN_WIDTH), np.uint8)
    truth[0, 1, 10] = IGNORE
    _, of_truth, of_prediction = tiles(panel(images, truth, np.ones_like(truth)), 1, 2, MIN_WIDTH, 1)[0]
    for shown, color in ((of_truth, COLORS[0]), (of_prediction, COLORS[1])):
        assert (shown[1, 10] == 0).all()
        assert (shown[0] == color).all()


def test_labels_larger_than_images_are_shown_at_image_size() -> None:
    images = np.zeros((1, 2, MIN_WIDTH, 3), np.uint8)
    truth, prediction = np.random.default_rng(0).integers(0, 2, (2, 1, 2, MIN_WIDTH), dtype=np.uint8)
    large = [labels.repeat(2, axis=1).repeat(2, axis=2) for labels in (truth, prediction)]
    shown = tiles(panel(images, *large), 1, 2, MIN_WIDTH, 1)[0]
    np.testing.assert_array_equal(shown[1], COLORS[truth[0]])
    np.testing.assert_array_equal(shown[2], COLORS[prediction[0]])


def test_large_pictures_are_shrunk() -> None:
    images = np.full((1, 20, 2 * MAX_WIDTH, 3), 200, np.uint8)
    labels = np.zeros((1, 40, 4 * MAX_WIDTH), np.uint8)
    shown = tiles(panel(images, labels, labels), 1, 10, MAX_WIDTH, 1)[0]
    assert (shown[0] == 200).all()
    assert (shown[1:] == COLORS[0]).all()


def test_labels_alone_stand_beside_their_images() -> None:
    images = np.full((2, 2, MIN_WIDTH, 3), 200, np.uint8)
    labels = np.random.default_rng(0).integers(0, 2, (2, 2, MIN_WIDTH), dtype=np.uint8)
    labels[0, 0, 0] = IGNORE
    picture = np.asarray(Image.open(io.BytesIO(labels_png(images, labels, CLASSES))))
    shown = tiles(picture, 2, 2, MIN_WIDTH, 1, columns=2)
    assert (shown[:, 0] == 200).all()
    np.testing.assert_array_equal(shown[:, 1], CLASSES.colorize(labels))


def test_every_image_needs_its_truth() -> None:
    images = np.zeros((2, 2, MIN_WIDTH, 3), np.uint8)
    labels = np.zeros((1, 2, MIN_WIDTH), np.uint8)
    with pytest.raises(ValueError, match="zip"):
        panel_png(images, labels, labels, CLASSES)
