"""What the identity of a pair's data depends on, and how two of them are told apart."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.support.opened import files_opened
from trainables.domains.data_files import NO_FILES, DataFiles, find_data_files
from trainables.domains.image_files import LabeledFile
from trainables.domains.pairs import find_pair
from trainables.domains.progress import Progress
from trainables.domains.recipe import SETS
from trainables.domains.streets.recipe import Streets

Write = Callable[..., LabeledFile]
PAIR = find_pair("idda-camvid")
VAL = 101
ROAD, SKY, CAR = 3, 0, 8


@pytest.fixture
def root(tmp_path: Path, write_pair: Write) -> Path:
    """Two source and two training images, and a whole validation set."""
    folder = tmp_path / "data"
    for name in ("t1", "t2"):
        write_pair(folder / "idda", name, np.full((6, 8), 7))
    (folder / "idda" / "train.txt").write_text("t2\nt1\n")
    for name in ("0001TP_1", "0001TP_2"):
        write_pair(folder / "camvid" / "train", name, np.full((6, 8), ROAD))
    for number in range(VAL):
        write_pair(folder / "camvid" / "val", val(number), np.full((6, 8), ROAD))
    return folder


def val(number: int) -> str:
    return f"0016E5_{number:05d}"


@pytest.fixture
def look(root: Path, tmp_path: Path) -> Callable[..., DataFiles]:
    return lambda folder=root, **how: find_data_files(PAIR, folder, tmp_path / "cache", **how)


def changed(before: DataFiles, now: DataFiles) -> set[str]:
    return {name for name in SETS if before.digests[name] != now.digests[name]}


def test_all_images_and_label_maps_of_the_splits_are_listed_in_their_order(look: Callable[..., DataFiles]) -> None:
    found = look()
    assert {name: len(rows) for name, rows in found.sets.items()} == {
        "source": 4,
        "target_train": 4,
        "target_select": 90,
        "target_report": 102,
    }
    names = [file for file, _ in found.sets["source"]]
    assert names == ["idda/images/t2.jpg", "idda/labels/t2.png", "idda/images/t1.jpg", "idda/labels/t1.png"]
    assert len({found.digest, *found.digests.values()}) == 5


def test_sizes_are_those_of_the_lists(look: Callable[..., DataFiles]) -> None:
    found = look()
    assert found.sizes == {"source": 2, "target_train": 2, "target_select": 45, "target_report": 51}
    assert found.notices == (
        "idda-camvid: of images, source has 2 (600 were published), train has 2 (367 were published)",
    )


def test_a_part_of_a_pair_is_other_data(root: Path, tmp_path: Path, look: Callable[..., DataFiles]) -> None:
    part = find_data_files(find_pair("idda-camvid@20"), root, tmp_path / "cache")
    assert part.sizes == {"source": 2, "target_train": 2, "target_select": 8, "target_report": 10}
    assert changed(look(), part) == {"target_select", "target_report"}


def test_a_copy_elsewhere_is_the_same_data(root: Path, tmp_path: Path, look: Callable[..., DataFiles]) -> None:
    copy = Path(shutil.copytree(root, tmp_path / "elsewhere" / "copy"))
    assert look(copy) == look()
    moved = copy.rename(tmp_path / "moved")
    assert look(moved).digests == look().digests


def test_an_image_outside_of_the_splits_is_no_part_of_it(
    root: Path, look: Callable[..., DataFiles], write_pair: Write
) -> None:
    before = look()
    write_pair(root / "camvid" / "val", val(47), np.full((6, 8), SKY))  # between select and report
    write_pair(root / "idda", "unlisted", np.full((6, 8), 7))
    assert look() == before


@pytest.mark.parametrize(
    ("number", "sets"), [(0, {"target_select"}), (44, {"target_select"}), (50, {"target_report"}), (45, set())]
)
def test_an_image_counts_for_the_set_that_it_is_in(
    root: Path, look: Callable[..., DataFiles], write_pair: Write, number: int, sets: set[str]
) -> None:
    before = look()
    write_pair(root / "camvid" / "val", val(number), np.full((6, 8), SKY))
    assert changed(before, look()) == sets


def test_two_label_maps_of_equal_size_that_were_swapped_are_named(
    root: Path, look: Callable[..., DataFiles], write_pair: Write
) -> None:
    of_sky = write_pair(root / "camvid" / "val", val(60), np.full((6, 8), SKY)).label
    of_car = write_pair(root / "camvid" / "val", val(70), np.full((6, 8), CAR)).label
    sky, car = (path.read_bytes().ljust(200, b"\0") for path in (of_sky, of_car))
    of_sky.write_bytes(sky)
    of_car.write_bytes(car)
    before = look()
    of_sky.write_bytes(car)
    of_car.write_bytes(sky)
    assert list(before.differences(look())) == [
        "target_report: camvid/val/labels/0016E5_00060.png is changed (2 changed in this set)"
    ]


def test_every_set_that_differs_has_its_first_file_named(
    root: Path, look: Callable[..., DataFiles], write_pair: Write
) -> None:
    before = look()
    write_pair(root / "idda", "t3", np.full((6, 8), 7))
    (root / "idda" / "train.txt").write_text("t2\nt3\n")
    (root / "camvid" / "train" / "labels" / "0001TP_2.png").unlink()
    write_pair(root / "camvid" / "val", val(3), np.full((6, 8), SKY))
    assert list(before.differences(look())) == [
        "source: idda/images/t1.jpg is missing (2 missing, 2 new in this set)",
        "target_train: camvid/train/images/0001TP_2.jpg is missing (2 missing in this set)",
        "target_select: camvid/val/labels/0016E5_00003.png is changed (1 changed in this set)",
    ]
    assert list(look().differences(look())) == []


def test_another_order_is_other_data(root: Path, look: Callable[..., DataFiles]) -> None:
    before = look()
    (root / "idda" / "train.txt").write_text("t1\nt2\n")
    assert list(before.differences(look())) == ["source: idda/images/t1.jpg is in another place of the order"]


def test_generated_pairs_have_no_files(tmp_path: Path) -> None:
    assert find_data_files(Streets(), None, tmp_path) == NO_FILES
    assert (NO_FILES.digests, NO_FILES.digest) == ({}, "")
    assert list(tmp_path.iterdir()) == []


def test_a_list_comes_back_from_its_file(root: Path, look: Callable[..., DataFiles]) -> None:
    (root / "camvid" / "train" / "images" / "0001TP_2.jpg").write_bytes(b"")
    label = root / "camvid" / "train" / "labels" / "0001TP_2.png"
    label.unlink()
    label.symlink_to(root / "nowhere")
    found = look()
    back = DataFiles.from_parquet(found.to_parquet())
    assert back.digests == found.digests
    assert back.sets["target_train"][-1] == ("camvid/train/labels/0001TP_2.png", None)
    assert DataFiles.from_parquet(NO_FILES.to_parquet()) == NO_FILES


def test_whoever_watches_is_told_what_is_read_and_nothing_where_nothing_is(
    root: Path, look: Callable[..., DataFiles]
) -> None:
    told: list[Progress] = []
    look(watch=told.append)
    assert told[:2] == [Progress("source", "reading", 0, 4), Progress("source", "reading", 4, 4)]
    assert {progress.set_name for progress in told} == set(SETS)
    told.clear()
    with files_opened(root) as opened:
        look(watch=told.append)
    assert told == []
    assert [path for path in opened if path.suffix in (".jpg", ".png")] == []
