"""Panels: images next to their labels and a network's predictions, one row for each image."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from trainables.domains.classes import IGNORE, ClassSet

GAP = 4
"""White pixels between pictures."""
MIN_WIDTH = 256
"""Small pictures are enlarged by a whole factor to at least this width, in pixels."""
MAX_WIDTH = 640
"""Large pictures are shrunk to this width."""


def panel_png(images: np.ndarray, truth: np.ndarray, prediction: np.ndarray, classes: ClassSet) -> bytes:
    """Draw n images, labels and predictions side by side; ignored pixels are black in both.

    Args:
        images: (n, H, W, 3) uint8.
        truth: (n, H', W') uint8, shown at the size of the images.
        prediction: as `truth`.
        classes: names and colours of the labels.
    """
    size = shown_size(images)
    rows = []
    for image, y, p in zip(images, truth, prediction, strict=True):
        shown, predicted = resized_labels(y, size), resized_labels(p, size)
        predicted[shown == IGNORE] = IGNORE
        rows.append([resized_image(image, size), classes.colorize(shown), classes.colorize(predicted)])
    return _mosaic_png(rows)


def labels_png(images: np.ndarray, labels: np.ndarray, classes: ClassSet) -> bytes:
    """Draw n images (n, H, W, 3) uint8 and their labels (n, H', W') uint8 side by side; ignored pixels are black."""
    size = shown_size(images)
    pairs = zip(images, labels, strict=True)
    return _mosaic_png([[resized_image(image, size), classes.colorize(resized_labels(y, size))] for image, y in pairs])


def shown_size(images: np.ndarray, enlarge: bool = True) -> tuple[int, int]:
    """Width and height at which images (n, H, W, 3) are shown."""
    height, width = images.shape[1:3]
    if width > MAX_WIDTH:
        return MAX_WIDTH, max(1, round(height * MAX_WIDTH / width))
    scale = -(-MIN_WIDTH // width) if enlarge else 1
    return width * scale, height * scale


def resized_image(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """An image (H, W, 3) uint8 at another width and height."""
    shrink = size[0] < image.shape[1]
    resampling = Image.Resampling.BILINEAR if shrink else Image.Resampling.NEAREST
    return np.asarray(Image.fromarray(image).resize(size, resampling))


def resized_labels(labels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Class ids (H, W) uint8 at another width and height, none of them new."""
    return np.array(Image.fromarray(labels).resize(size, Image.Resampling.NEAREST))


def _mosaic_png(rows: Sequence[Sequence[np.ndarray]]) -> bytes:
    """Pictures (H, W, 3) uint8 of one size in rows, as a PNG."""
    framed = np.pad(np.array(rows), ((0, 0), (0, 0), (0, GAP), (0, GAP), (0, 0)), constant_values=255)
    n, columns, height, width, _ = framed.shape
    picture = framed.transpose(0, 2, 1, 3, 4).reshape(n * height, columns * width, 3)
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, format="PNG")
    return stream.getvalue()
