"""The usual data path: a DataLoader whose data set decodes and resizes PNGs, with PIL or with torchvision.io."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.io import ImageReadMode, decode_png, read_file
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2.functional import resize

from benchmarks.label_maps import PAIR
from benchmarks.street_pngs import TRAIN_SIZES, Size, StreetPngs
from trainables.ass.precision import normalised
from trainables.domains.classes import IGNORE
from trainables.domains.image_files import LabeledFile

MEAN = torch.tensor([123.675, 116.28, 103.53]).view(1, 3, 1, 1)
STD = torch.tensor([58.395, 57.12, 57.375]).view(1, 3, 1, 1)
"""ImageNet's mean and standard deviation, in bytes."""
ENDLESS = 10**9

Sample = tuple[Tensor, Tensor | None]
"""An image (1, 3, H, W), float32 or uint8, and its labels (1, H, W), int64 or uint8."""


class Reader(Protocol):
    """Files to tensors at training size."""

    def image(self, path: Path, size: Size) -> Tensor:
        """(1, 3, H, W) uint8, resized bicubically."""
        ...

    def label_ids(self, path: Path, size: Size) -> Tensor:
        """(1, H, W) uint8 as in the file, resized by nearest neighbour."""
        ...


class PilReader:
    """PIL, as in AdaptSegNet."""

    def image(self, path: Path, size: Size) -> Tensor:
        """By PIL."""
        with Image.open(path) as opened:
            pixels = np.array(opened.convert("RGB").resize(size, Image.Resampling.BICUBIC))
        return torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous()

    def label_ids(self, path: Path, size: Size) -> Tensor:
        """By PIL."""
        with Image.open(path) as opened:
            return torch.from_numpy(np.array(opened.resize(size, Image.Resampling.NEAREST)))[None]


class TorchvisionReader(PilReader):
    """torchvision.io; label maps with a palette go through PIL, since torchvision returns colours instead of ids."""

    def image(self, path: Path, size: Size) -> Tensor:
        """By torchvision."""
        pixels = decode_png(read_file(str(path)), ImageReadMode.RGB)[None]
        return resize(pixels, list(size[::-1]), InterpolationMode.BICUBIC).contiguous()

    def label_ids(self, path: Path, size: Size) -> Tensor:
        """By torchvision where the file is grey."""
        ids = decode_png(read_file(str(path)))
        if len(ids) > 1:
            return super().label_ids(path, size)
        return resize(ids, list(size[::-1]), InterpolationMode.NEAREST_EXACT)


@dataclass(frozen=True)
class PngIterations(Dataset[Mapping[str, Sample]]):
    """What each iteration trains on: a source, a labeled and an unlabeled image, mirrored every other time.

    Attributes:
        normalise: give images as normalised float32 and labels as int64, else both as uint8.
    """

    pngs: StreetPngs
    reader: Reader
    normalise: bool

    def __len__(self) -> int:
        return ENDLESS

    def __getitem__(self, iteration: int) -> Mapping[str, Sample]:
        kinds = {"source": "source", "labeled": "target_train", "unlabeled": "target_train"}
        return {
            kind: self._sample(set_name, iteration + (kind == "unlabeled"), kind != "unlabeled", iteration % 2 == 1)
            for kind, set_name in kinds.items()
        }

    def _sample(self, set_name: str, index: int, labeled: bool, mirrored: bool) -> Sample:
        file = self.pngs.files[set_name][index % len(self.pngs.files[set_name])]
        size = TRAIN_SIZES[set_name]
        image = self.reader.image(file.image, size)
        labels = self._labels(file, size) if labeled else None
        if mirrored:
            image, labels = image.flip(-1), None if labels is None else labels.flip(-1)
        return normalised(image, MEAN, STD) if self.normalise else image, labels

    def _labels(self, file: LabeledFile, size: Size) -> Tensor:
        labels = CLASS_IDS[self.reader.label_ids(file.label, size).int()]
        return labels.long() if self.normalise else labels


def png_loader(pngs: StreetPngs, reader: Reader, normalise: bool) -> DataLoader[Mapping[str, Sample]]:
    """A DataLoader on one core, in this process: a worker would only add the copy between processes.

    Samples are batches of one image already, so that it copies none to collate them.
    """
    return DataLoader(PngIterations(pngs, reader, normalise), batch_size=None, num_workers=0)


def _class_ids() -> Tensor:
    table = torch.full((256,), IGNORE, dtype=torch.uint8)
    for label, index in PAIR.rule("source").ids.items():
        table[label] = index
    return table


CLASS_IDS = _class_ids()
"""Label id to class id (256,) uint8, of both data sets."""
