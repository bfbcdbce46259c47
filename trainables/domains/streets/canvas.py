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
    """Three layers of a scene, (H, W), painted from back to front.

    Attributes:
        parts: int16, which object a pixel belongs to: objects have a class and colours of their own.
        relief: float32, how much lighter (> 0) or darker (< 0) than its object a pixel is: windows, wheels, marks.
        depth: float32, metres from the camera.
        part_classes: class id of each part.
    """

    def __init__(self) -> None:
        self.parts = np.zeros((HEIGHT, WIDTH), np.int16)
        self.relief = np.zeros((HEIGHT, WIDTH), np.float32)
        self.depth = np.full((HEIGHT, WIDTH), FAR, np.float32)
        self.part_classes: list[int] = []

    def labels(self) -> np.ndarray:
        """Class ids (H, W) uint8."""
        return np.array(self.part_classes, np.uint8)[self.parts]

    def new_part(self, label: int) -> int:
        """A number for a new object of a class."""
        self.part_classes.append(label)
        return len(self.part_classes) - 1

    def paint(
        self,
        where: tuple[slice, slice],
        mask: np.ndarray | bool,
        part: int,
        depth: float | np.ndarray,
        relief: float | np.ndarray = 0.0,
    ) -> None:
        """Paint the pixels of a window that are in `mask`; mask, depth and relief broadcast over the window."""
        np.copyto(self.parts[where], part, where=mask)
        np.copyto(self.depth[where], depth, where=mask, casting="same_kind")
        np.copyto(self.relief[where], relief, where=mask, casting="same_kind")


EVERYWHERE = (slice(0, HEIGHT), slice(0, WIDTH))


def window(top: float, bottom: float, left: float, right: float) -> tuple[slice, slice]:
    """The part of the image between rows and columns in pixels, clipped to the image; may be empty."""
    return _clipped(top, bottom, HEIGHT), _clipped(left, right, WIDTH)


def grid(where: tuple[slice, slice]) -> tuple[np.ndarray, np.ndarray]:
    """Rows (h, 1) and columns (1, w) of the pixel centres of a window."""
    rows, columns = where
    return np.arange(rows.start, rows.stop)[:, None] + 0.5, np.arange(columns.start, columns.stop)[None, :] + 0.5


def _clipped(start: float, stop: float, size: int) -> slice:
    first = min(max(round(start), 0), size)
    return slice(first, max(min(round(stop), size), first))
