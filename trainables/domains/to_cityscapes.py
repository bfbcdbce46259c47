"""How a rendered data set and Cityscapes become a domain pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from trainables.domains import cityscapes, image_files
from trainables.domains.expected_files import of_cityscapes
from trainables.domains.file_pair import FilePair
from trainables.domains.image_files import ReadRule, Resampling
from trainables.domains.listing import Listing
from trainables.domains.numbered_files import NumberedFiles
from trainables.domains.units import BLOCK, blocks
from trainables.version import code_hash

T = TypeVar("T")
DECIDES = (
    __name__,
    "trainables.domains.cityscapes",
    "trainables.domains.file_pair",
    "trainables.domains.image_files",
    "trainables.domains.units",
)
"""Modules that decide the pixels and the units of images, with those that the source declares."""


@dataclass(frozen=True)
class ToCityscapes(FilePair):
    """A rendered data set to Cityscapes.

    Images are resized bicubically and labels by nearest neighbour, as in AdaptSegNet. The training images are those of
    18 cities; the last three of them, which are also target_select, choose configurations under `protocol: split`.
    Of another number of training images the same share is held out. Sets that are only evaluated on keep the label
    maps' own size.
    """

    source: NumberedFiles
    source_size: tuple[int, int]
    target_size: tuple[int, int]
    train_images: int = cityscapes.TRAIN_IMAGES
    last_cities_images: int = cityscapes.LAST_CITIES_IMAGES
    val_images: int = cityscapes.VAL_IMAGES
    published_size: tuple[int, int] = cityscapes.SIZE
    resample_by: str = BLOCK

    @property
    def published(self) -> Mapping[str, int]:
        """Number of images of each split as it was published."""
        return {"source": self.source.published, "train": self.train_images, "val": self.val_images}

    @property
    def held_out(self) -> int:
        """All images of target_select."""
        return self.sizes["target_select"]

    def list_splits(self, data_root: Path) -> Mapping[str, Listing]:
        """The files of each split."""
        target = {split: cityscapes.list_split(data_root, split) for split in ("train", "val")}
        return {"source": self.source.list_files(data_root), **target}

    def divide(self, splits: Mapping[str, Sequence[T]]) -> Mapping[str, Sequence[T]]:
        """The last of the training images choose configurations: those of three cities, or as large a share."""
        train = splits["train"]
        last = min(max(1, len(train) * self.last_cities_images // self.train_images), max(0, len(train) - 1))
        return {
            "source": splits["source"],
            "target_train": train,
            "target_select": train[len(train) - last :],
            "target_report": splits["val"],
        }

    def describe(self, set_name: str) -> dict[str, Any]:
        """The reading rule, the share that is held out, and the code that lists and reads the files."""
        return {
            **self.describe_files(set_name),
            "last_cities": self.last_cities_images,
            "code": code_hash({*DECIDES, *(self.source.decides if set_name == "source" else ())}),
        }

    def sizes_differ(self, set_name: str, image: str) -> bool:
        """Only some label maps of the source."""
        return set_name == "source" and self.source.differs(image)

    def units(self, names: Sequence[str]) -> Sequence[str]:
        """Blocks of a city's images, which are numbered in the order of its drives.

        The validation set has only three cities, and Frankfurt's 267 images are only two sequences: these units would
        be too few and too unequal for resampling.
        """
        return blocks(names, cityscapes.city_of)

    def expected(self) -> str:
        """All files that the pair is read from, and what they hold, a line each."""
        return of_cityscapes(self.source.folder, self.published, self.published_size)

    def rule(self, set_name: str) -> ReadRule:
        """How the files of a set are read."""
        if set_name == "source":
            return ReadRule(
                ids=self.source.ids_for(self.classes),
                size=self.source_size,
                published_size=self.source.size,
                resampling=Resampling.BICUBIC,
                open_label=self.source.open_label,
            )
        only_evaluated_on = set_name in ("target_select", "target_report")
        return ReadRule(
            ids=cityscapes.ids_for(self.classes),
            size=self.target_size,
            label_size=self.published_size if only_evaluated_on else None,
            published_size=self.published_size,
            resampling=Resampling.BICUBIC,
            open_label=image_files.open_label_map,
        )
