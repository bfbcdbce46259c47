"""Rendered data sets whose images are named by numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from PIL import Image

from trainables.domains.classes import ClassSet
from trainables.domains.image_files import open_label_map
from trainables.domains.listing import LABELS, Folder, Listing, list_pairs


@dataclass(frozen=True)
class NumberedFiles:
    """A data set as published: where its images and label maps lie, and how they are read.

    Attributes:
        decides: the Python modules whose code decides what is read from it.
        folder: its folder below the data root.
        images: the folder of the images below that; they are named by numbers, and sorted by name.
        labels: that of the label maps, each with the name of its image.
        published: number of images.
        ids_for: label id to class id of some classes.
        size: width and height of all images, or None where they vary.
        sizes_differ: numbers of the images whose label maps have another size than they have.
        open_label: reads a label map as one id a pixel.
    """

    decides: tuple[str, ...]
    folder: str
    images: str
    labels: str
    published: int
    ids_for: Callable[[ClassSet], dict[int, int]]
    size: tuple[int, int] | None = None
    sizes_differ: frozenset[int] = frozenset()
    open_label: Callable[[Path], Image.Image] = open_label_map

    def list_files(self, root: Path) -> Listing:
        """Images and label maps below a data root."""
        return list_pairs(root, Folder(f"{self.folder}/{self.images}"), Folder(f"{self.folder}/{self.labels}", LABELS))

    def differs(self, image: str) -> bool:
        """Whether the label map of an image is known to have another size, by the image's path."""
        stem = PurePosixPath(image).stem
        return stem.isdecimal() and int(stem) in self.sizes_differ
