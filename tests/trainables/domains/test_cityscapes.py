from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from torchvision.datasets import Cityscapes

from tests.support.published_formats import write_cityscapes
from tests.support.shipped_pairs import changed_pair
from trainables.domains.listing import Listing, list_pairs
from trainables.domains.patterns import LABELS, Pattern

PAIR = changed_pair("gta5-cityscapes")
CITYSCAPES = PAIR.classes
LICENCE_PLATE = 255
EVALUATED = {label.train_id: label for label in Cityscapes.classes if 0 <= label.train_id < 255}


def test_names_and_colours_are_those_of_the_published_table() -> None:
    assert list(CITYSCAPES.names) == [EVALUATED[train_id].name for train_id in range(19)]
    assert list(CITYSCAPES.colors) == [EVALUATED[train_id].color for train_id in range(19)]


def test_label_ids_become_train_ids_and_all_others_are_ignored() -> None:
    published = {label.id: label.train_id for label in Cityscapes.classes if label.id >= 0}
    assert len(published) == 34
    assert PAIR.rule("target_train").ids == {**published, LICENCE_PLATE: 255}
    assert np.uint8(LICENCE_PLATE) == np.int8(-1).view(np.uint8)


@pytest.mark.parametrize("name", ["synthia-cityscapes", "synthia16-cityscapes"])
def test_a_selection_of_classes_keeps_their_order_and_colours_and_ids(name: str) -> None:
    pair = changed_pair(name)
    kept = [label for label in Cityscapes.classes if 0 <= label.train_id < 255 and label.name in pair.classes.names]
    kept.sort(key=lambda label: label.train_id)
    assert pair.classes.names == tuple(label.name for label in kept)
    assert pair.classes.colors == tuple(label.color for label in kept)
    expected = {label.id: index for index, label in enumerate(kept)}
    assert {label: index for label, index in pair.rule("target_report").ids.items() if index != 255} == expected


def list_split(root: Path, split: str) -> Listing:
    target = PAIR.definition.target
    return list_pairs(root, Pattern(target.images).at(split), Pattern(target.labels, LABELS).at(split))


def test_files_are_sorted_by_city_and_name_each_with_its_label_map(tmp_path: Path) -> None:
    ids = np.zeros((2, 2), int)
    for city, number in (("ulm", 1), ("bochum", 2), ("bochum", 1)):
        write_cityscapes(tmp_path, "train", city, number, ids)
    write_cityscapes(tmp_path, "val", "munster", 0, ids)
    found = list_split(tmp_path, "train")
    assert [Path(image).name for image, _ in found.files] == [
        "bochum_000001_000019_leftImg8bit.png",
        "bochum_000002_000019_leftImg8bit.png",
        "ulm_000001_000019_leftImg8bit.png",
    ]
    assert found.files[0][1] == "cityscapes/gtFine/train/bochum/bochum_000001_000019_gtFine_labelIds.png"
    assert all((tmp_path / label).is_file() for _, label in found.files)
    assert [Path(image).parent.name for image, _ in list_split(tmp_path, "val").files] == ["munster"]
    (problem, _) = list_split(tmp_path, "test").problems
    assert problem == "cityscapes/leftImg8bit/test: no such folder; cityscapes/leftImg8bit has train, val"
