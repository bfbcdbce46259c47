from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.published_formats import png_of_16_bits, write_synthia
from tests.support.shipped_pairs import changed_pair
from trainables.domains.choosing import Listed
from trainables.domains.file_pair import FilePair, Found
from trainables.domains.recipe import UnusableImages

CHANGES = {"size": [6, 4], "image_size": None}
SIXTEEN_PAIR, THIRTEEN_PAIR = (
    changed_pair(name, source=CHANGES) for name in ("synthia16-cityscapes", "synthia-cityscapes")
)
SIXTEEN_CLASSES, THIRTEEN_CLASSES = SIXTEEN_PAIR.classes, THIRTEEN_PAIR.classes
ALL_IDS = np.arange(24).reshape(4, 6) % 23
SIXTEEN = {3: 0, 4: 1, 2: 2, 21: 3, 5: 4, 7: 5, 15: 6, 9: 7, 6: 8, 1: 9, 10: 10, 17: 11, 8: 12, 19: 13, 12: 14, 11: 15}
"""Label ids of the README of SYNTHIA-RAND-CITYSCAPES to the classes that it shares with Cityscapes."""
THIRTEEN = {3: 0, 4: 1, 2: 2, 15: 3, 9: 4, 6: 5, 1: 6, 10: 7, 17: 8, 8: 9, 19: 10, 12: 11, 11: 12}


def _read(root: Path, *numbers: int, pair: FilePair = SIXTEEN_PAIR) -> np.ndarray:
    """Labels of some images, which need not be there."""
    names = [f"{number:07d}" for number in numbers]
    images = [Listed((f"synthia/RGB/{name}.png", f"synthia/GT/LABELS/{name}.png"), name) for name in names]
    found = replace(pair, found=Found({"source": images}, (), ()))
    return found.build("source", root, range(len(numbers))).labels


def test_images_are_listed_by_number_with_their_label_maps(tmp_path: Path) -> None:
    for number in (9399, 0):
        write_synthia(tmp_path, number, ALL_IDS)
    assert SIXTEEN_PAIR.files("source", tmp_path) == [
        *("synthia/RGB/0000000.png", "synthia/GT/LABELS/0000000.png"),
        *("synthia/RGB/0009399.png", "synthia/GT/LABELS/0009399.png"),
    ]
    assert SIXTEEN_PAIR.published["source"] == 9_400


@pytest.mark.parametrize(("pair", "table"), [(SIXTEEN_PAIR, SIXTEEN), (THIRTEEN_PAIR, THIRTEEN)])
def test_the_first_channel_becomes_the_common_classes(tmp_path: Path, pair: FilePair, table: dict[int, int]) -> None:
    write_synthia(tmp_path, 0, ALL_IDS)
    expected = np.vectorize(lambda label: table.get(label, 255))(ALL_IDS)
    np.testing.assert_array_equal(_read(tmp_path, 0, pair=pair)[0], expected)


def test_the_paper_leaves_out_wall_fence_and_pole() -> None:
    assert len(SIXTEEN_CLASSES) == 16
    assert len(THIRTEEN_CLASSES) == 13
    assert set(SIXTEEN_CLASSES.names) - set(THIRTEEN_CLASSES.names) == {"wall", "fence", "pole"}
    assert SIXTEEN_CLASSES.names[:3] == THIRTEEN_CLASSES.names[:3] == ("road", "sidewalk", "building")


def test_pillow_cannot_read_these_label_maps(tmp_path: Path) -> None:
    write_synthia(tmp_path, 0, ALL_IDS)
    assert not np.asarray(Image.open(tmp_path / "synthia" / "GT" / "LABELS" / "0000000.png"))[..., 0].any()


def test_pairs_that_cannot_be_used_are_listed_at_once(tmp_path: Path) -> None:
    for number in range(7):
        write_synthia(tmp_path, number, ALL_IDS)
    labels = tmp_path / "synthia" / "GT" / "LABELS"
    broken: dict[int, bytes] = {
        0: b"",
        1: b"no PNG at all",
        2: (labels / "0000002.png").read_bytes()[:-40],
        3: png_of_16_bits(np.stack([ALL_IDS + 9, ALL_IDS, ALL_IDS], -1)),
        4: png_of_16_bits(np.stack([ALL_IDS + 300, ALL_IDS, ALL_IDS], -1)[:1]),
    }
    for number, content in broken.items():
        (labels / f"{number:07d}.png").write_bytes(content)
    Image.fromarray(ALL_IDS.astype(np.uint8)).save(labels / "0000005.png")
    (labels / "0000006.png").unlink()
    with pytest.raises(UnusableImages) as caught:
        _read(tmp_path, *range(7))
    reasons = [
        *["the label map is empty, damaged or no PNG"] * 2,
        "Truncated File Read",
        "the label map holds the unknown ids 23, 24, 25, 26, 27, 28, 29, 30, 31",
        "the label map holds the unknown ids 300, 301, 302, 303, 304, 305",
        "the label map is 8-bit with 1 channel(s), expected 16-bit RGB, whose first channel holds class ids",
        "No such file or directory",
    ]
    for number, problem, reason in zip(range(7), caught.value.problems, reasons, strict=True):
        assert problem.startswith(f"{tmp_path / 'synthia' / 'RGB' / f'{number:07d}.png'} with {number:07d}.png: ")
        assert reason in problem
