"""The classes of a domain pair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

IGNORE = 255
"""The label of pixels that count in no loss and no metric."""


@dataclass(frozen=True)
class ClassSet:
    """Class names and colours (RGB, 0..255), indexed by label id."""

    names: tuple[str, ...]
    colors: tuple[tuple[int, int, int], ...]

    def __post_init__(self) -> None:
        if len(self.names) != len(self.colors):
            raise ValueError(f"{len(self.names)} class names but {len(self.colors)} colours")

    def __len__(self) -> int:
        return len(self.names)

    def colorize(self, labels: np.ndarray) -> np.ndarray:
        """Labels (..., H, W) uint8 as colours (..., H, W, 3) uint8; ignored pixels are black."""
        table = np.zeros((256, 3), np.uint8)
        table[: len(self.colors)] = self.colors
        return table[labels]
