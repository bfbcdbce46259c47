"""The layers that a scene is painted on, and a pinhole camera over flat ground."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

HEIGHT, WIDTH = 64, 128
CAMERA_HEIGHT = 1.5
"""Metres above the ground."""

FOCAL_LENGTH = 72.0
"""Pixels; 83 degrees across."""

FAR = 200.0
"""Metres: the depth of what is too far to matter."""


@dataclass(frozen=True)
class Camera:
    """Where the vanishing point of the street lies in the image, in pixels."""

    horizon: float
    center: float

    def row(self, depth: float, height: float = 0.0) -> float:
        """The row of a point `height` metres above the ground, `depth` metres away."""
        return self.horizon + FOCAL_LENGTH * (CAMERA_HEIGHT - height) / depth

    def column(self, depth: float, lateral: float) -> float:
        """The column of a point `lateral` metres right of the camera, `depth` metres away."""
        return self.center + FOCAL_LENGTH * lateral / depth


class Canvas:
    """Four layers of a scene, (H, W), painted from back to front.

    Attributes:
        labels: uint8 class ids.
        parts: int16, which object a pixel belongs to: objects have colours of their own.
        relief: float32, how much lighter (> 0) or darker (< 0) than its object a pixel is: windows, wheels, marks.
        depth: float32, metres from the camera.
    """

    def __init__(self) -> None:
        self.labels = np.zeros((HEIGHT, WIDTH), np.uint8)
        self.parts = np.zeros((HEIGHT, WIDTH), np.int16)
        self.relief = np.zeros((HEIGHT, WIDTH), np.float32)
        self.depth = np.full((HEIGHT, WIDTH), FAR, np.float32)
        self.part_count = 0

    def new_part(self) -> int:
        """A number for a new object."""
        self.part_count += 1
        return self.part_count - 1

    def paint(
        self,
        where: tuple[slice, slice],
        mask: np.ndarray,
        label: int,
        part: int,
        depth: float | np.ndarray,
        relief: float | np.ndarray = 0.0,
    ) -> None:
        """Paint the pixels of a window that are in `mask`; `depth` and `relief` broadcast over the window."""
        np.copyto(self.labels[where], np.uint8(label), where=mask)
        np.copyto(self.parts[where], np.int16(part), where=mask)
        np.copyto(self.depth[where], np.asarray(depth, np.float32), where=mask)
        np.copyto(self.relief[where], np.asarray(relief, np.float32), where=mask)


EVERYWHERE = (slice(0, HEIGHT), slice(0, WIDTH))


def window(top: float, bottom: float, left: float, right: float) -> tuple[slice, slice]:
    """The part of the image between rows and columns in pixels, clipped to the image; may be empty."""
    rows = slice(int(np.clip(round(top), 0, HEIGHT)), int(np.clip(round(bottom), 0, HEIGHT)))
    columns = slice(int(np.clip(round(left), 0, WIDTH)), int(np.clip(round(right), 0, WIDTH)))
    return rows, columns


def grid(where: tuple[slice, slice]) -> tuple[np.ndarray, np.ndarray]:
    """Rows (h, 1) and columns (1, w) of the pixel centres of a window."""
    rows, columns = where
    return np.arange(rows.start, rows.stop)[:, None] + 0.5, np.arange(columns.start, columns.stop)[None, :] + 0.5
