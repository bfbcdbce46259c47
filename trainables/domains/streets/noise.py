"""Cheap random fields."""

from __future__ import annotations

import numpy as np

from trainables.domains.streets.canvas import HEIGHT, WIDTH


def value_noise(rng: np.random.Generator, cell: int) -> np.ndarray:
    """A field (H, W) float32 of zero mean and deviation about 1 that varies over `cell` pixels, 1 for white noise.

    `cell` divides the image's height and width; values at its corners are interpolated bilinearly.
    """
    if cell == 1:
        return rng.standard_normal((HEIGHT, WIDTH), np.float32)
    corners = rng.standard_normal((HEIGHT // cell + 1, WIDTH // cell + 1), np.float32)
    # A bilinear mixture of four unit normals has deviation 2/3 on average over a cell.
    return _stretch(_stretch(corners, cell).T, cell).T * np.float32(1.5)


def _stretch(values: np.ndarray, cell: int) -> np.ndarray:
    weights = ((np.arange(cell, dtype=np.float32) + 0.5) / cell)[None, :, None]
    low, high = values[:-1, None], values[1:, None]
    return (low + (high - low) * weights).reshape(-1, values.shape[1])
