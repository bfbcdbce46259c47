"""Folders of images and label maps, read at training size."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from trainables.domains.classes import IGNORE
from trainables.domains.pair_file import Box
from trainables.domains.recipe import Content, UnusableImages

Resampling = Image.Resampling
WHOLE = Box()
_UNUSABLE = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)
"""What a damaged file raises when Pillow reads it, besides what is raised here."""


@dataclass(frozen=True)
class LabeledFile:
    """An image file and the file of its label map.

    Attributes:
        name: of the image; by default that of its file, without the ending.
        sizes_differ: the two are known to be published in different sizes: each is resized on its own.
    """

    image: Path
    label: Path
    sizes_differ: bool = False
    name: str = ""


def open_label_map(path: Path) -> Image.Image:
    """A label map with one id a pixel, as grey values or as indices of a palette; raises OSError or ValueError."""
    with Image.open(path) as opened:
        label = opened.copy()
    if label.mode not in ("L", "P"):
        raise ValueError(f"the label map has mode {label.mode}, expected one id a pixel (L or P)")
    return label


def open_image(path: Path) -> Image.Image:
    """An image in RGB; raises OSError or ValueError."""
    with Image.open(path) as opened:
        return opened.convert("RGB")


@dataclass(frozen=True)
class ReadRule:
    """How files become training images.

    Attributes:
        ids: the files' label ids to class ids; an id that is not in here is an error.
        size: width and height to read images at.
        crop: the part that is used of the image and of the label map, each in its own pixels.
        ignored_regions: parts whose labels are ignored, in the pixels of the label map.
        label_size: width and height to read label maps at, or None for that of the images.
        published_size: width and height that the images have, or None for any.
        resampling: how images are resized; labels are always by nearest neighbour.
        open_label: reads a label map as one id a pixel, raises OSError or ValueError.
        open_image: reads an image in RGB, raises OSError or ValueError.
    """

    ids: Mapping[int, int]
    size: tuple[int, int]
    crop: Box = WHOLE
    ignored_regions: tuple[Box, ...] = ()
    label_size: tuple[int, int] | None = None
    published_size: tuple[int, int] | None = None
    resampling: Image.Resampling = Resampling.BILINEAR
    open_label: Callable[[Path], Image.Image] = open_label_map
    open_image: Callable[[Path], Image.Image] = open_image

    def describe(self) -> dict[str, Any]:
        """What decides the pixels, as JSON values; what opens the files is for the caller to describe."""
        return {
            "ids": {str(label): index for label, index in self.ids.items()},
            "size": list(self.size),
            "crop": self.crop.model_dump(),
            "ignored_regions": [region.model_dump() for region in self.ignored_regions],
            "label_size": list(self.label_size or self.size),
            "resampling": self.resampling.name,
        }


def read_all(files: Sequence[LabeledFile], rule: ReadRule) -> Content:
    """Read images and label maps; raises one `UnusableImages` that lists all bad pairs."""
    width, height = rule.size
    label_width, label_height = rule.label_size or rule.size
    images = np.empty((len(files), height, width, 3), np.uint8)
    labels = np.empty((len(files), label_height, label_width), np.uint8)
    ids = np.zeros(256, np.int64)
    errors: list[tuple[LabeledFile, Exception]] = []
    for index, file in enumerate(files):
        try:
            images[index], labels[index], found = _read(file, rule)
            ids += found
        except _UNUSABLE as error:
            errors.append((file, error))
    if errors:
        raise UnusableImages(
            [f"{file.image} with {file.label.name}: {_why(error)}" for file, error in errors], len(files)
        )
    return Content(images, labels, tuple(file.name or file.image.stem for file in files), ids)


def _why(error: Exception) -> str:
    """An error's own words, or where a link leads at whose end nothing is."""
    name = error.filename if isinstance(error, FileNotFoundError) else None
    if isinstance(name, str) and Path(name).is_symlink():
        return f"{Path(name).name} is a link to {Path(name).readlink()}, and nothing is there"
    return str(error)


def _read(file: LabeledFile, rule: ReadRule) -> tuple[np.ndarray, np.ndarray, list[int]]:
    image, label = rule.open_image(file.image), rule.open_label(file.label)
    if rule.published_size not in (None, image.size):
        raise ValueError(f"the image has size {image.size}, expected {rule.published_size}")
    if image.size != label.size and not file.sizes_differ:
        raise ValueError(f"the image has size {image.size}, the label map {label.size}")
    box, counted = rule.crop.within(*label.size), _counted(label.size, rule.ignored_regions)
    _check_not_empty(box)
    found = label.crop(box).histogram(counted.crop(box) if counted else None)
    _check_ids(found, rule.ids)
    image = image.resize(rule.size, rule.resampling, box=rule.crop.within(*image.size))
    size = rule.label_size or rule.size
    labels = _class_table(rule.ids)[np.asarray(label.resize(size, Resampling.NEAREST, box=box))]
    if counted:
        labels[np.asarray(counted.resize(size, Resampling.NEAREST, box=box)) == 0] = IGNORE
    return np.asarray(image), labels, found


def _counted(size: tuple[int, int], ignored: Sequence[Box]) -> Image.Image | None:
    """White where labels count, black in the regions where they are ignored; None where there are no such regions."""
    if not ignored:
        return None
    mask = Image.new("L", size, 255)
    for region in ignored:
        mask.paste(0, region.within(*size))
    return mask


def _check_not_empty(box: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = box
    if left >= right or top >= bottom:
        raise ValueError("nothing of the image is left in the crop")


def _check_ids(found: Sequence[int], known: Mapping[int, int]) -> None:
    unknown = [index for index, pixels in enumerate(found) if pixels and index not in known]
    if unknown:
        raise ValueError(f"the label map holds the unknown ids {', '.join(map(str, unknown))}")


def _class_table(ids: Mapping[int, int]) -> np.ndarray:
    table = np.full(256, IGNORE, np.uint8)
    table[list(ids)] = list(ids.values())
    return table
