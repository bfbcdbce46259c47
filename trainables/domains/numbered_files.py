"""Rendered data sets whose images are named by numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from trainables.domains.classes import ClassSet
from trainables.domains.image_files import LabeledFile, open_label_map


@dataclass(frozen=True)
class NumberedFiles:
    """A data set as published: where image n and its label map lie, and how they are read.

    Attributes:
        decides: the Python modules whose code decides what is read from it.
        folder: its folder below the data root.
        images: the image files below that, by number.
        labels: the label maps.
        numbers: the numbers of all images.
        ids_for: label id to class id of some classes.
        size: width and height of all images, or None where they vary.
        sizes_differ: numbers of the images whose label maps have another size than they have.
        open_label: reads a label map as one id a pixel.
    """

    decides: tuple[str, ...]
    folder: str
    images: str
    labels: str
    numbers: range
    ids_for: Callable[[ClassSet], dict[int, int]]
    size: tuple[int, int] | None = None
    sizes_differ: frozenset[int] = frozenset()
    open_label: Callable[[Path], Image.Image] = open_label_map

    def files(self, root: Path, rows: Sequence[int]) -> list[LabeledFile]:
        """Images and label maps below a data root, whether they exist or not; row 0 is the first number."""
        folder = root / self.folder
        return [
            LabeledFile(
                folder / self.images.format(number),
                folder / self.labels.format(number),
                number in self.sizes_differ,
            )
            for number in (self.numbers[row] for row in rows)
        ]

    def absent(self, root: Path) -> dict[str, list[str]]:
        """Names of the files that are not there, by folder below the data root."""
        absent = {}
        for pattern in (self.images, self.labels):
            folder, _, name = f"{self.folder}/{pattern}".rpartition("/")
            there = _names(root / folder)
            absent[folder] = [expected for number in self.numbers if (expected := name.format(number)) not in there]
        return absent


def _names(folder: Path) -> frozenset[str]:
    # one listing instead of a look at each of ten thousands of files, which takes minutes on a network's disk
    try:
        return frozenset(file.name for file in folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()
