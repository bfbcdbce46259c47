"""The real pair IDDA -> CamVid: rendered streets to photographed ones, CamVid's 11 classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from trainables.domains import camvid, idda, image_files
from trainables.domains.camvid import CAMVID
from trainables.domains.classes import ClassSet
from trainables.domains.idda_camvid_missing import expected, problems
from trainables.domains.image_files import LabeledFile, ReadRule
from trainables.domains.missing import check_complete
from trainables.domains.recipe import Content
from trainables.domains.units import BLOCK, blocks
from trainables.version import code_hash

DECIDES = (
    __name__,
    "trainables.domains.camvid",
    "trainables.domains.idda",
    "trainables.domains.image_files",
    "trainables.domains.units",
)
"""Modules that decide the pixels and the units of images."""

SIZES = {
    "source": idda.TRAIN_IMAGES,
    "target_train": camvid.TRAIN_IMAGES,
    "target_select": camvid.SELECT_IMAGES,
    "target_report": camvid.REPORT_IMAGES,
}


@dataclass(frozen=True)
class IddaCamvid:
    """IDDA (294x144, above the bonnet) to CamVid (192x144): training crops source images to the target's width."""

    name: str = "idda-camvid"
    classes: ClassSet = CAMVID
    sizes: Mapping[str, int] = field(default_factory=lambda: dict(SIZES))
    val_images: int = camvid.VAL_IMAGES
    source_size: tuple[int, int] = (294, 144)
    target_size: tuple[int, int] = (192, 144)
    held_out: int = 0
    resample_by: str = BLOCK

    def image_size(self, set_name: str) -> tuple[int, int]:
        """That of the source or of the target."""
        return self.source_size if set_name == "source" else self.target_size

    def label_size(self, set_name: str) -> tuple[int, int]:
        """That of the images."""
        return self.image_size(set_name)

    def describe(self, set_name: str) -> dict[str, Any]:
        """The reading rule and the code that lists and reads the files."""
        return {**self._rule(set_name).describe(), "images": self.sizes[set_name], "code": code_hash(DECIDES)}

    def check(self, data_root: Path | None) -> None:
        """Raise one `MissingData` with all that is absent below `data_root`."""
        sizes = {**self.sizes, "val": self.val_images}
        check_complete(self.name, data_root, partial(problems, sizes), expected(sizes))

    def available(self, set_name: str, data_root: Path | None) -> Sequence[int]:
        """Rows whose two files are there; none of the source without its list."""
        try:
            return image_files.available(self._files(set_name, data_root))
        except FileNotFoundError:
            return ()

    def files(self, set_name: str, data_root: Path | None) -> Sequence[Path]:
        """Images and label maps."""
        return image_files.paths(self._files(set_name, data_root))

    def units(self, names: Sequence[str]) -> Sequence[str]:
        """Blocks of CamVid's frames, because its report split is one shot."""
        return blocks(names, camvid.sequence_of)

    def build(self, set_name: str, data_root: Path | None, rows: range) -> Content:
        """Read some images of a set; raises `UnusableImages` that lists every unusable pair of files."""
        files = self._files(set_name, data_root)
        return image_files.read_all([files[row] for row in rows], self._rule(set_name))

    def _files(self, set_name: str, data_root: Path | None) -> list[LabeledFile]:
        assert data_root is not None
        list_files, folder = _LISTINGS[set_name]
        return list_files(data_root / folder)

    def _rule(self, set_name: str) -> ReadRule:
        size = self.image_size(set_name)
        if set_name == "source":
            return ReadRule(idda.ids_for(self.classes), size, idda.ROWS_ABOVE_BONNET)
        return ReadRule(camvid.IDS, size)


_LISTINGS: Mapping[str, tuple[Callable[[Path], list[LabeledFile]], str]] = {
    "source": (idda.train_files, "idda"),
    "target_train": (camvid.train_files, "camvid"),
    "target_select": (camvid.select_files, "camvid"),
    "target_report": (camvid.report_files, "camvid"),
}
