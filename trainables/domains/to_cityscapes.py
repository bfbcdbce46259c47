"""How a rendered data set and Cityscapes become a domain pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from trainables.domains import cityscapes, image_files
from trainables.domains.cityscapes_missing import expected, problems
from trainables.domains.classes import ClassSet
from trainables.domains.image_files import LabeledFile, ReadRule, Resampling
from trainables.domains.missing import check_complete
from trainables.domains.numbered_files import NumberedFiles
from trainables.domains.recipe import Content, MissingData
from trainables.domains.units import BLOCK, blocks
from trainables.version import code_hash

DECIDES = (
    __name__,
    "trainables.domains.cityscapes",
    "trainables.domains.image_files",
    "trainables.domains.units",
)
"""Modules that decide the pixels and the units of images, with those that the source declares."""


@dataclass(frozen=True)
class ToCityscapes:
    """A rendered data set to Cityscapes.

    Images are resized bicubically and labels by nearest neighbour, as in AdaptSegNet. The training images are those of
    18 cities; the last three of them, which are also target_select, choose configurations under `protocol: split`.
    Sets that are only evaluated on keep the label maps' own size.
    """

    name: str
    source: NumberedFiles
    classes: ClassSet
    source_size: tuple[int, int]
    target_size: tuple[int, int]
    train_images: int = cityscapes.TRAIN_IMAGES
    held_out: int = cityscapes.LAST_CITIES_IMAGES
    val_images: int = cityscapes.VAL_IMAGES
    published_size: tuple[int, int] = cityscapes.SIZE
    resample_by: str = BLOCK

    @property
    def sizes(self) -> Mapping[str, int]:
        """Number of images by set."""
        return {
            "source": len(self.source.numbers),
            "target_train": self.train_images,
            "target_select": self.held_out,
            "target_report": self.val_images,
        }

    def image_size(self, set_name: str) -> tuple[int, int]:
        """That of the source or of the target."""
        return self.source_size if set_name == "source" else self.target_size

    def label_size(self, set_name: str) -> tuple[int, int]:
        """That of the images, or as published where images are only evaluated on."""
        return self.published_size if set_name in ("target_select", "target_report") else self.image_size(set_name)

    def describe(self, set_name: str) -> dict[str, Any]:
        """The reading rule, which of the files it is for, and the code that lists and reads them."""
        split, first = ("all", 0) if set_name == "source" else self._place(set_name)
        return {
            **self._rule(set_name).describe(),
            "split": split,
            "first": first,
            "images": self.sizes[set_name],
            "code": code_hash({*DECIDES, *(self.source.decides if set_name == "source" else ())}),
        }

    def check(self, data_root: Path | None) -> None:
        """Raise one `MissingData` with all that is absent below `data_root`; opens no image."""
        check_complete(self.name, data_root, partial(problems, self), expected(self))

    def available(self, set_name: str, data_root: Path | None) -> Sequence[int]:
        """Rows whose two files are there."""
        return image_files.available(self._files(set_name, data_root, range(self.sizes[set_name])))

    def files(self, set_name: str, data_root: Path | None) -> Sequence[Path]:
        """Images and label maps."""
        return image_files.paths(self._files(set_name, data_root, range(self.sizes[set_name])))

    def units(self, names: Sequence[str]) -> Sequence[str]:
        """Blocks of a city's images, which are numbered in the order of its drives.

        The validation set has only three cities, and Frankfurt's 267 images are only two sequences: these units would
        be too few and too unequal for resampling.
        """
        return blocks(names, cityscapes.city_of)

    def build(self, set_name: str, data_root: Path | None, rows: range) -> Content:
        """Read some images of a set; raises `UnusableImages` that lists every unusable pair of files."""
        files = self._files(set_name, data_root, rows)
        if len(files) != len(rows):
            raise MissingData(f"{set_name}: image {rows.start + len(files) + 1} of {self.sizes[set_name]} is not there")
        return image_files.read_all(files, self._rule(set_name))

    def _files(self, set_name: str, data_root: Path | None, rows: range) -> list[LabeledFile]:
        """The files of some rows; fewer where Cityscapes has fewer."""
        assert data_root is not None
        if set_name == "source":
            return self.source.files(data_root, rows)
        split, first = self._place(set_name)
        return cityscapes.files(data_root / cityscapes.FOLDER, split)[first + rows.start : first + rows.stop]

    def _place(self, set_name: str) -> tuple[str, int]:
        """The split of Cityscapes that a target set is in, and the first of its images."""
        if set_name == "target_report":
            return "val", 0
        return "train", self.train_images - self.held_out if set_name == "target_select" else 0

    def _rule(self, set_name: str) -> ReadRule:
        of_source = set_name == "source"
        return ReadRule(
            ids=self.source.ids_for(self.classes) if of_source else cityscapes.ids_for(self.classes),
            size=self.image_size(set_name),
            label_size=self.label_size(set_name),
            published_size=self.source.size if of_source else self.published_size,
            resampling=Resampling.BICUBIC,
            open_label=self.source.open_label if of_source else image_files.open_label_map,
        )
