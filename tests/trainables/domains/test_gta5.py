from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision.datasets import Cityscapes

from tests.support.published_formats import GTA5_IDS, write_gta5
from tests.support.shipped_pairs import changed_pair
from trainables.domains.choosing import Listed
from trainables.domains.file_pair import Found
from trainables.domains.recipe import UnusableImages

PAIR = changed_pair("gta5-cityscapes", source={"size": [8, 5]})
ALL_IDS = np.arange(40).reshape(5, 8) % len(GTA5_IDS)


def _read(root: Path, *numbers: int) -> np.ndarray:
    """Labels of some images, which need not be there."""
    names = [f"{number:05d}" for number in numbers]
    images = [Listed((f"gta5/images/{name}.png", f"gta5/labels/{name}.png"), name) for name in names]
    pair = replace(PAIR, found=Found({"source": images}, (), ()))
    return pair.build("source", root, range(len(numbers))).labels


def test_images_are_listed_by_number_with_their_label_maps(tmp_path: Path) -> None:
    for number in (24_966, 1):
        write_gta5(tmp_path, number, ALL_IDS)
    assert PAIR.files("source", tmp_path) == [
        *("gta5/images/00001.png", "gta5/labels/00001.png"),
        *("gta5/images/24966.png", "gta5/labels/24966.png"),
    ]
    assert PAIR.published["source"] == 24_966


def test_palette_indices_are_label_ids_of_cityscapes(tmp_path: Path) -> None:
    write_gta5(tmp_path, 1, ALL_IDS)
    assert Image.open(tmp_path / "gta5" / "labels" / "00001.png").mode == "P"
    train_ids = {label.id: label.train_id for label in Cityscapes.classes if label.id >= 0} | {34: 255}
    np.testing.assert_array_equal(_read(tmp_path, 1)[0], np.vectorize(train_ids.get)(ALL_IDS))


def test_a_known_pair_of_unequal_sizes_is_resized_each_on_its_own(tmp_path: Path) -> None:
    ids = np.full((6, 16), 7)
    ids[:, 8:] = 23
    for number in (15188, 20801, 20860):
        write_gta5(tmp_path, number, ids, image=np.zeros((5, 8, 3), np.uint8))
    for labels in _read(tmp_path, 15188, 20801, 20860):
        np.testing.assert_array_equal(labels, [[0] * 4 + [10] * 4] * 5)


def test_pairs_that_cannot_be_used_are_listed_at_once(tmp_path: Path) -> None:
    ids = np.full((5, 8), 7)
    write_gta5(tmp_path, 20800, ids, image=np.zeros((6, 8, 3), np.uint8))
    for number in (1, 2, 3, 4):
        write_gta5(tmp_path, number, np.full_like(ids, 34 + number % 2))
    labels = tmp_path / "gta5" / "labels"
    Image.new("RGB", (8, 5)).save(labels / "00002.png")
    (labels / "00004.png").write_bytes((labels / "00004.png").read_bytes()[:-30])
    with pytest.raises(UnusableImages) as caught:
        _read(tmp_path, 1, 2, 3, 4, 5, 20800)
    reasons = [
        "the label map holds the unknown ids 35",
        "the label map has mode RGB, expected one id a pixel (L or P)",
        "the label map holds the unknown ids 35",
        "truncated",
        "No such file",
        "the image has size (8, 6), the label map (8, 5)",
    ]
    for number, problem, reason in zip((1, 2, 3, 4, 5, 20800), caught.value.problems, reasons, strict=True):
        assert f"{number:05d}.png with {number:05d}.png" in problem
        assert reason in problem
