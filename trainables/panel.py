"""The panel of a trial: image, truth and prediction side by side, a row an image."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from trainables.domains.classes import IGNORE, ClassSet

GAP = 4
"""White pixels between pictures."""
MIN_WIDTH = 256
"""Small pictures are enlarged by a whole factor to at least this width, in pixels."""


def panel_png(images: np.ndarray, truth: np.ndarray, prediction: np.ndarray, classes: ClassSet) -> bytes:
    """Draw (n, H, W, 3) uint8 images with (n, H, W) uint8 labels and predictions; ignored pixels are black."""
    shown = np.where(truth == IGNORE, IGNORE, prediction)
    rows = [
        np.stack([image, classes.colorize(y), classes.colorize(p)])
        for image, y, p in zip(images, truth, shown, strict=True)
    ]
    scale = -(-MIN_WIDTH // images.shape[2])
    tiles = np.stack(rows).repeat(scale, axis=2).repeat(scale, axis=3)
    framed = np.pad(tiles, ((0, 0), (0, 0), (0, GAP), (0, GAP), (0, 0)), constant_values=255)
    n, columns, height, width, _ = framed.shape
    picture = framed.transpose(0, 2, 1, 3, 4).reshape(n * height, columns * width, 3)
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, format="PNG")
    return stream.getvalue()
