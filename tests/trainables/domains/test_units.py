"""Which images are resampled together."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from trainables.domains.pairs import PAIRS
from trainables.domains.units import BLOCK, BLOCK_IMAGES, IMAGE, blocks


def test_a_sequence_is_cut_into_blocks_of_about_the_same_length() -> None:
    names = [f"a_{number:02d}" for number in range(51)] + [f"b_{number:02d}" for number in range(3)]
    found = blocks(names, lambda name: name[0])
    assert list(dict.fromkeys(found)) == ["a/1", "a/2", "a/3", "a/4", "a/5", "b/1"]
    assert sorted(Counter(found).values()) == [3, 10, 10, 10, 10, 11]


@pytest.mark.parametrize("images", [1, 4, 9, 14, 15, 16, 267])
def test_blocks_are_never_far_from_their_length(images: int) -> None:
    sizes = Counter(blocks(["x"] * images, lambda name: name)).values()
    assert sum(sizes) == images
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) <= 1.5 * BLOCK_IMAGES


def test_images_that_are_generated_are_their_own_units() -> None:
    streets = PAIRS["streets"]
    assert streets.resample_by == IMAGE
    assert list(streets.units(["target_report/0000", "target_report/0001"])) == [
        "target_report/0000",
        "target_report/0001",
    ]


def test_cityscapes_has_blocks_of_each_city(tmp_path: Path) -> None:
    for kind, end in (("leftImg8bit", "leftImg8bit"), ("gtFine", "gtFine_labelIds")):
        folder = tmp_path / "cityscapes" / kind / "val"
        for city, images in (("frankfurt", 20), ("lindau", 10)):
            (folder / city).mkdir(parents=True)
            for number in range(images):
                (folder / city / f"{city}_{number:06d}_000019_{end}.png").touch()
    pair = PAIRS["gta5-cityscapes"].at(tmp_path)
    names = [Path(image).stem for image in pair.files("target_report", tmp_path)[::2]]
    assert pair.resample_by == BLOCK
    assert list(pair.units(names)) == ["frankfurt/1"] * 10 + ["frankfurt/2"] * 10 + ["lindau/1"] * 10


def test_camvids_report_split_is_five_blocks(data_root: Path) -> None:
    pair = PAIRS["idda-camvid"].at(data_root)
    names = [Path(image).stem for image in pair.files("target_report", data_root)[::2]]
    assert pair.resample_by == BLOCK
    assert sorted(Counter(pair.units(names)).values()) == [10, 10, 10, 10, 11]
