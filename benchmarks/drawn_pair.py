"""A domain pair of generated noise at any size: it costs as much as a real one and needs no files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from benchmarks.label_maps import CITYSCAPES
from trainables.domains.classes import ClassSet
from trainables.domains.domain_pair import DomainPair
from trainables.domains.recipe import SETS, Content
from trainables.domains.sampling import stream
from trainables.domains.units import IMAGE

CELL = 16
"""Side, in pixels, of the squares that have one class."""


@dataclass(frozen=True)
class DrawnPair:
    """Images of noise with labels in squares; the 19 classes of Cityscapes, as many images in every set.

    Attributes:
        size: width and height of images and labels.
        images: number of images in each set.
        source_size: of the source, where it differs.
    """

    size: tuple[int, int]
    images: int = 4
    source_size: tuple[int, int] | None = None
    name: str = "drawn"
    classes: ClassSet = CITYSCAPES
    held_out: int = 0
    resample_by: str = IMAGE
    notices: tuple[str, ...] = ()

    @property
    def sizes(self) -> Mapping[str, int]:
        """Number of images by set."""
        return dict.fromkeys(SETS, self.images)

    def image_size(self, set_name: str) -> tuple[int, int]:
        """Width and height of all images of a set."""
        return self.source_size or self.size if set_name == "source" else self.size

    def label_size(self, set_name: str) -> tuple[int, int]:
        """The size of the images."""
        return self.image_size(set_name)

    def describe(self, set_name: str) -> dict[str, Any]:
        """The size."""
        return {"size": list(self.image_size(set_name)), "images": self.images}

    def check(self, data_root: Path | None) -> None:
        """Nothing is read, so nothing can be missing."""

    def at(self, data_root: Path | None) -> Self:
        """The same wherever data lies."""
        return self

    def files(self, set_name: str, data_root: Path | None) -> Sequence[str]:
        """None: nothing is read."""
        return ()

    def units(self, names: Sequence[str]) -> Sequence[str]:
        """Each image: they are drawn independently of each other."""
        return names

    def build(self, set_name: str, data_root: Path | None, rows: range) -> Content:
        """Draw some images of a set."""
        width, height = self.image_size(set_name)
        images = np.empty((len(rows), height, width, 3), np.uint8)
        labels = np.empty((len(rows), height, width), np.uint8)
        for place, index in enumerate(rows):
            rng = stream(0, f"drawn/{set_name}", index)
            images[place] = rng.integers(0, 256, images.shape[1:], dtype=np.uint8)
            cells = rng.integers(0, len(self.classes), (-(-height // CELL), -(-width // CELL)), dtype=np.uint8)
            labels[place] = cells.repeat(CELL, 0).repeat(CELL, 1)[:height, :width]
        return Content(images, labels, tuple(f"{set_name}/{index}" for index in rows))

    def open(self, folder: Path) -> DomainPair:
        """The pair with its packed files in a folder."""
        return DomainPair(self, folder, None)
