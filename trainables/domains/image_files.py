"""Folders of images and label maps, read at training size."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from trainables.domains.classes import IGNORE
from trainables.domains.recipe import Content, UnusableImages


@dataclass(frozen=True)
class LabeledFile:
    """An image file and the file of its label map."""

    image: Path
    label: Path


@dataclass(frozen=True)
class ReadRule:
    """How files become training images.

    Attributes:
        ids: the files' label ids to class ids; an id that is not in here is an error.
        size: width and height to read at.
        rows: how many rows to keep from the top, or None for all.
    """

    ids: Mapping[int, int]
    size: tuple[int, int]
    rows: int | None = None


def fingerprint(files: Sequence[LabeledFile]) -> str:
    """16 hexadecimal digits of the names and sizes of files: cheap, and different for another copy of the data."""
    digest = hashlib.sha256()
    for path in (path for file in files for path in (file.image, file.label)):
        digest.update(f"{path.name} {path.stat().st_size if path.exists() else 'absent'}\n".encode())
    return digest.hexdigest()[:16]


def read_all(files: Sequence[LabeledFile], rule: ReadRule) -> Content:
    """Read images bilinearly and labels by nearest neighbour; raises one `UnusableImages` that lists all bad pairs."""
    width, height = rule.size
    images = np.empty((len(files), height, width, 3), np.uint8)
    labels = np.empty((len(files), height, width), np.uint8)
    errors = []
    for index, file in enumerate(files):
        try:
            images[index], labels[index] = _read(file, rule)
        except (OSError, UnidentifiedImageError, ValueError) as error:
            errors.append(f"{file.image} with {file.label.name}: {error}")
    if errors:
        raise UnusableImages(errors, len(files))
    return Content(images, labels, tuple(file.image.stem for file in files))


def _read(file: LabeledFile, rule: ReadRule) -> tuple[np.ndarray, np.ndarray]:
    with Image.open(file.image) as opened:
        image = opened.convert("RGB")
    with Image.open(file.label) as opened:
        label = opened.copy()
    if label.mode not in ("L", "P"):
        raise ValueError(f"the label map has mode {label.mode}, expected one id a pixel (L or P)")
    if image.size != label.size:
        raise ValueError(f"the image has size {image.size}, the label map {label.size}")
    box = (0, 0, image.width, min(rule.rows or image.height, image.height))
    pixels = np.asarray(image.resize(rule.size, Image.Resampling.BILINEAR, box=box))
    ids = np.asarray(label.resize(rule.size, Image.Resampling.NEAREST, box=box))
    return pixels, _class_ids(ids, rule.ids)


def _class_ids(ids: np.ndarray, mapping: Mapping[int, int]) -> np.ndarray:
    unknown = sorted(set(np.unique(ids).tolist()) - set(mapping))
    if unknown:
        raise ValueError(f"the label map holds the unknown ids {', '.join(map(str, unknown))}")
    table = np.full(256, IGNORE, np.uint8)
    table[list(mapping)] = list(mapping.values())
    return table[ids]
