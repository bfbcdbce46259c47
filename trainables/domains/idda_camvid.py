"""The real pair IDDA -> CamVid: rendered streets to photographed ones, CamVid's 11 classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from trainables.domains import camvid, idda
from trainables.domains.camvid import CAMVID
from trainables.domains.classes import ClassSet
from trainables.domains.expected_files import of_idda_camvid
from trainables.domains.file_pair import FilePair
from trainables.domains.image_files import ReadRule
from trainables.domains.listing import Listing
from trainables.domains.units import BLOCK, blocks
from trainables.version import code_hash

T = TypeVar("T")
DECIDES = (
    __name__,
    "trainables.domains.camvid",
    "trainables.domains.file_pair",
    "trainables.domains.idda",
    "trainables.domains.image_files",
    "trainables.domains.units",
)
"""Modules that decide the pixels and the units of images."""


@dataclass(frozen=True)
class IddaCamvid(FilePair):
    """IDDA (294x144, above the bonnet) to CamVid (192x144): training crops source images to the target's width."""

    name: str = "idda-camvid"
    classes: ClassSet = CAMVID
    source_size: tuple[int, int] = (294, 144)
    target_size: tuple[int, int] = (192, 144)
    source_images: int = idda.TRAIN_IMAGES
    train_images: int = camvid.TRAIN_IMAGES
    val_images: int = camvid.VAL_IMAGES
    held_out: int = 0
    resample_by: str = BLOCK

    @property
    def published(self) -> Mapping[str, int]:
        """Number of images of each split as it was published."""
        return {"source": self.source_images, "train": self.train_images, "val": self.val_images}

    def list_splits(self, data_root: Path) -> Mapping[str, Listing]:
        """The files of each split."""
        target = {split: camvid.list_split(data_root, split) for split in ("train", "val")}
        return {"source": idda.list_train(data_root), **target}

    def divide(self, splits: Mapping[str, Sequence[T]]) -> Mapping[str, Sequence[T]]:
        """The validation images are cut in two."""
        select, report = camvid.divide_val(splits["val"])
        return {
            "source": splits["source"],
            "target_train": splits["train"],
            "target_select": select,
            "target_report": report,
        }

    def describe(self, set_name: str) -> dict[str, Any]:
        """The reading rule and the code that lists and reads the files."""
        return {**self.describe_files(set_name), "set": set_name, "code": code_hash(DECIDES)}

    def units(self, names: Sequence[str]) -> Sequence[str]:
        """Blocks of CamVid's frames, because its report split is one shot."""
        return blocks(names, camvid.sequence_of)

    def expected(self) -> str:
        """All files that the pair is read from, and what they hold, a line each."""
        return of_idda_camvid(self.published)

    def rule(self, set_name: str) -> ReadRule:
        """How the files of a set are read."""
        if set_name == "source":
            return ReadRule(idda.ids_for(self.classes), self.source_size, idda.ROWS_ABOVE_BONNET)
        return ReadRule(camvid.IDS, self.target_size)
