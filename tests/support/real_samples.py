"""The few real files of GTA5 and Cityscapes among the shared data, laid out as the whole data sets are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.shipped_pairs import changed_pair
from trainables.domains.file_pair import FilePair

SOURCE_IMAGES, TRAIN_IMAGES, HELD_OUT, VAL_IMAGES = 2, 5, 2, 3


def link_samples(data_root: Path, folder: Path) -> Path:
    """Links to the one image of GTA5, twice, and to eight of Cityscapes, of which three are in val; skips without."""
    gta5, cityscapes = data_root / "gta5_sample", data_root / "cityscapes_sample"
    if not gta5.is_dir() or not cityscapes.is_dir():
        pytest.skip(f"no gta5_sample and cityscapes_sample in {data_root}")
    for kind in ("images", "labels"):
        (file,) = (gta5 / kind).glob("*.png")
        for number in range(1, SOURCE_IMAGES + 1):
            _link(folder / "gta5" / kind / f"{number:05d}.png", file)
    for kind in ("leftImg8bit", "gtFine"):
        files = sorted((cityscapes / kind / "train" / "aachen").glob("*.png"))
        for place, file in enumerate(files):
            split = "train" if place < TRAIN_IMAGES else "val"
            _link(folder / "cityscapes" / kind / split / "aachen" / file.name, file)
    return folder


def sample_pair(name: str, source_size: tuple[int, int], target_size: tuple[int, int]) -> FilePair:
    """GTA5 -> Cityscapes with as many images as `link_samples` has, judged at full size."""
    return changed_pair(
        "gta5-cityscapes",
        pair=name,
        source={"published": SOURCE_IMAGES, "size": source_size},
        target={
            "published": {"train": TRAIN_IMAGES, "val": VAL_IMAGES},
            "size": target_size,
            "select": {"of": "train", "part": f"last {HELD_OUT} of {TRAIN_IMAGES}"},
        },
    )


def _link(link: Path, file: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(file)
