"""Packs a made-up set in a process of its own: what the tests kill, interrupt and start twice.

Arguments: folder of packed sets, seconds that each image takes, number of workers.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from trainables.domains.classes import ClassSet
from trainables.domains.pack import Pack, image_bytes
from trainables.domains.packing import make
from trainables.domains.recipe import SETS, Content, UnusableImages
from trainables.domains.units import IMAGE

WIDTH, HEIGHT, SCALE = 48, 32, 2
IMAGES, IMAGES_A_FILE = 12, 2
CLASSES = ClassSet(("a", "b"), ((0, 0, 0), (1, 1, 1)))


@dataclass(frozen=True)
class Noise:
    """Sets of noise. The files built are logged in the data root, if there is one.

    Attributes:
        seconds: how long each image takes.
        unusable: images that cannot be used.
        deadly: images that kill the process that builds them.
    """

    name: str = "noise"
    classes: ClassSet = CLASSES
    sizes: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(SETS, IMAGES))
    held_out: int = 0
    resample_by: str = IMAGE
    notices: tuple[str, ...] = ()
    size: tuple[int, int] = (WIDTH, HEIGHT)
    seconds: float = 0
    unusable: tuple[int, ...] = ()
    deadly: tuple[int, ...] = ()

    def image_size(self, set_name: str) -> tuple[int, int]:
        """The same in all sets."""
        return self.size

    def label_size(self, set_name: str) -> tuple[int, int]:
        """Larger than the images."""
        return SCALE * self.size[0], SCALE * self.size[1]

    def describe(self, set_name: str) -> dict[str, Any]:
        """The same for all speeds."""
        return {"size": self.size}

    def check(self, data_root: Path | None) -> None:
        """Nothing is read."""

    def at(self, data_root: Path | None) -> Self:
        """The same wherever data lies."""
        return self

    def files(self, set_name: str, data_root: Path | None) -> Sequence[str]:
        """Nothing is read."""
        return ()

    def units(self, names: Sequence[str]) -> Sequence[str]:
        """Each image."""
        return names

    def build(self, set_name: str, data_root: Path | None, rows: range) -> Content:
        """Noise that depends on the row only."""
        if data_root is not None:
            with (data_root / "builds").open("a") as log:
                log.write(f"{rows.start}\n")
        time.sleep(self.seconds * len(rows))
        if set(self.deadly) & set(rows):
            os.kill(os.getpid(), signal.SIGKILL)
        if problems := [f"{row}.png: not an image" for row in rows if row in self.unusable]:
            raise UnusableImages(problems, len(rows))
        draws = [np.random.default_rng(row) for row in rows]
        width, height = self.size
        images = np.stack([rng.integers(0, 256, (height, width, 3), np.uint8) for rng in draws])
        labels = np.stack([rng.integers(0, 2, (SCALE * height, SCALE * width), np.uint8) for rng in draws])
        return Content(images, labels, tuple(f"image {row}" for row in rows))


def noise_pack(folder: Path, log: bool = False, **changes: Any) -> Pack:
    """A set of 12 images in 6 files."""
    recipe = Noise(**changes)
    shard_bytes = IMAGES_A_FILE * image_bytes(recipe, "source")
    return Pack(recipe, "source", folder if log else None, folder, shard_bytes)


if __name__ == "__main__":
    make(noise_pack(Path(sys.argv[1]), log=True, seconds=float(sys.argv[2])), workers=int(sys.argv[3]))
