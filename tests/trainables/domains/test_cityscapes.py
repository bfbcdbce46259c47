from __future__ import annotations

from pathlib import Path

import numpy as np
from torchvision.datasets import Cityscapes

from tests.support.published_formats import write_cityscapes
from trainables.domains.cityscapes import CITYSCAPES, LICENCE_PLATE, ids_for, list_split, select_classes

EVALUATED = {label.train_id: label for label in Cityscapes.classes if 0 <= label.train_id < 255}


def test_names_and_colours_are_those_of_the_published_table() -> None:
    assert list(CITYSCAPES.names) == [EVALUATED[train_id].name for train_id in range(19)]
    assert list(CITYSCAPES.colors) == [EVALUATED[train_id].color for train_id in range(19)]


def test_label_ids_become_train_ids_and_all_others_are_ignored() -> None:
    published = {label.id: label.train_id for label in Cityscapes.classes if label.id >= 0}
    assert len(published) == 34
    assert ids_for(CITYSCAPES) == {**published, LICENCE_PLATE: 255}
    assert np.uint8(LICENCE_PLATE) == np.int8(-1).view(np.uint8)


def test_a_selection_of_classes_keeps_their_order_and_colours() -> None:
    few = select_classes(("sky", "road", "car"))
    assert few.names == ("road", "sky", "car")
    assert few.colors == tuple(label.color for label in Cityscapes.classes if label.name in few.names)
    kept = {label: index for label, index in ids_for(few).items() if index != 255}
    assert kept == {7: 0, 23: 1, 26: 2}


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
