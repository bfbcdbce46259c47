from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.shipped_pairs import changed_pair
from trainables.domains.choosing import Listed, choose
from trainables.domains.data_files import find_data_files
from trainables.domains.domain_pair import DomainPair
from trainables.domains.file_pair import FilePair
from trainables.domains.image_files import LabeledFile, ReadRule, read_all
from trainables.domains.pack import OtherData
from trainables.domains.recipe import SETS, Content, MissingData

Write = Callable[..., LabeledFile]
PAIR = changed_pair("idda-camvid")
CAMVID = PAIR.classes
IDDA_IDS, CAMVID_IDS = PAIR.rule("source").ids, PAIR.rule("target_train").ids
SMALL = changed_pair(
    "idda-camvid",
    source={"published": 2, "size": [12, 8]},
    target={"published": {"train": 1, "val": 2}, "size": [8, 8]},
)
LABELS = {"t1": 20, "t2": 10}
"""Sky and car."""
SIZE_OF_FILES = 200
"""Bytes, of which the last ones mean nothing in a PNG."""


def names_of(set_name: str, root: Path) -> list[str]:
    return [Path(image).stem for image in PAIR.files(set_name, root)[::2]]


@pytest.fixture
def small_root(tmp_path: Path, write_pair: Write) -> Path:
    for name in ("t1", "t2"):
        write_pair(tmp_path / "idda", name, np.full((360, 64), 7))
    (tmp_path / "idda" / "train.txt").write_text("t2\nt1\n")
    write_pair(tmp_path / "camvid" / "train", "0001TP_1", np.full((36, 48), 3))
    for name in ("0016E5_1", "0016E5_2"):
        write_pair(tmp_path / "camvid" / "val", name, np.full((36, 48), 3))
    return tmp_path


@pytest.mark.parametrize(
    ("label", "name"),
    [
        *[(20, "sky"), (1, "building"), (11, "building"), (5, "pole"), (6, "road"), (7, "road"), (8, "pavement")],
        *[(9, "tree"), (19, "tree"), (12, "sign"), (13, "sign"), (2, "fence"), (10, "car"), (4, "pedestrian")],
        *[(16, "bicyclist"), (17, "bicyclist"), (18, "bicyclist")],
        *[(label, None) for label in (0, 3, 14, 15, 21, 22, 23)],
    ],
)
def test_idda_labels_become_camvid_classes(tmp_path: Path, write_pair: Write, label: int, name: str | None) -> None:
    file = write_pair(tmp_path, "a", np.full((10, 10), label))
    read = read_all([file], ReadRule(IDDA_IDS, (5, 5))).labels
    assert set(np.unique(read)) == {255 if name is None else CAMVID.names.index(name)}


def test_every_class_has_an_idda_label() -> None:
    assert {index for index in IDDA_IDS.values() if index != 255} == set(range(11))


def test_camvid_labels_stay_and_void_is_ignored(tmp_path: Path, write_pair: Write) -> None:
    file = write_pair(tmp_path, "a", np.arange(12)[None].repeat(12, 0))
    read = read_all([file], ReadRule(CAMVID_IDS, (12, 12))).labels
    np.testing.assert_array_equal(read[0, 0], [*range(11), 255])


def test_rows_of_the_bonnet_are_cut_off(tmp_path: Path, write_pair: Write) -> None:
    labels = np.full((360, 640), 7)
    labels[314:] = 10
    file = write_pair(tmp_path, "a", labels)
    read = read_all([file], PAIR.rule("source"))
    assert set(np.unique(read.labels)) == {CAMVID.names.index("road")}


def test_source_images_are_those_of_the_list(small_root: Path, tmp_path: Path) -> None:
    pair = DomainPair(SMALL, tmp_path / "cache", small_root)
    assert pair.source.names == ("t2", "t1")
    assert pair.source.images.shape == (2, 8, 12, 3)
    assert pair.target_train.labels.shape == (1, 8, 8)


def test_other_files_are_packed_anew(small_root: Path, tmp_path: Path, write_pair: Write) -> None:
    sky = CAMVID.names.index("sky")
    assert not (DomainPair(SMALL, tmp_path / "cache", small_root).source.labels[:] == sky).any()
    labels = np.full((360, 64), 20)
    labels[:, ::3] = 7
    write_pair(small_root / "idda", "t1", labels)
    assert (DomainPair(SMALL, tmp_path / "cache", small_root).source.labels[1] == sky).any()


def swap_labels_of_equal_size(root: Path, write_pair: Write) -> Callable[[], None]:
    """Two label maps of the source, and a function that swaps them."""
    first, second = (write_pair(root / "idda", name, np.full((360, 64), label)).label for name, label in LABELS.items())
    content, other = (path.read_bytes().ljust(SIZE_OF_FILES, b"\0") for path in (first, second))
    first.write_bytes(content)
    second.write_bytes(other)

    def swap() -> None:
        first.write_bytes(other)
        second.write_bytes(content)

    return swap


def test_label_maps_of_equal_size_that_were_swapped_are_packed_anew(
    small_root: Path, tmp_path: Path, write_pair: Write
) -> None:
    swap = swap_labels_of_equal_size(small_root, write_pair)
    before = DomainPair(SMALL, tmp_path / "cache", small_root).source
    swap()
    after = DomainPair(SMALL, tmp_path / "cache", small_root).source
    assert after.path != before.path
    np.testing.assert_array_equal(after.labels[:], before.labels[:][::-1])
    assert (after.labels[0] != after.labels[1]).any()


def test_a_copy_of_the_data_uses_the_same_packs(small_root: Path, tmp_path: Path) -> None:
    made = DomainPair(SMALL, tmp_path / "cache", small_root).target_train
    (tmp_path / "copy").mkdir()
    for folder in ("idda", "camvid"):
        shutil.copytree(small_root / folder, tmp_path / "copy" / folder)
    assert DomainPair(SMALL, tmp_path / "cache", tmp_path / "copy").target_train.path == made.path


def test_a_set_is_made_from_no_other_data_than_was_expected(small_root: Path, tmp_path: Path) -> None:
    pair = DomainPair(SMALL, tmp_path / "cache", small_root, digests={"source": "0" * 16})
    with pytest.raises(OtherData, match=f"{small_root} has other images or labels than expected for source of idda-"):
        len(pair.source)
    assert not list((tmp_path / "cache").rglob("*.arrow"))
    assert len(pair.target_train) == 1


def test_a_set_that_is_packed_is_opened_without_a_look_at_its_files(small_root: Path, tmp_path: Path) -> None:
    digests = find_data_files(SMALL, small_root, tmp_path / "cache", sets=["source"]).digests
    made = DomainPair(SMALL, tmp_path / "cache", small_root, digests=digests).source
    shutil.rmtree(small_root / "idda")
    assert DomainPair(SMALL, tmp_path / "cache", small_root, digests=digests).source.names == made.names


def test_data_that_changes_while_it_is_packed_is_not_kept(small_root: Path, tmp_path: Path, write_pair: Write) -> None:
    swap = swap_labels_of_equal_size(small_root, write_pair)

    class Disturbed(FilePair):
        def build(self, set_name: str, data_root: Path | None, rows: range) -> Content:
            swap()
            return super().build(set_name, data_root, rows)

    recipe = Disturbed(SMALL.definition)
    pair = DomainPair(recipe, tmp_path / "cache", small_root)
    with pytest.raises(OtherData, match="Data must stay as it is while a study runs"):
        pair.make("source", workers=1)
    assert not list((tmp_path / "cache").rglob("*.arrow"))


def test_without_a_data_root_the_error_says_how_to_give_one() -> None:
    with pytest.raises(MissingData) as caught:
        PAIR.check(None)
    assert str(caught.value) == (
        "The domain pair idda-camvid needs its data: give --data-root DIR or set ASS_DATA_ROOT. Expected in DIR:\n"
        "  idda/train.txt                         names of images\n"
        "  idda/images/{stem}                     600 images\n"
        "  idda/labels/{stem}                     their label maps, ids 0 to 23\n"
        "  camvid/train/images/{sequence}_{stem}  367 images\n"
        "  camvid/train/labels/{sequence}_{stem}  their label maps, ids 0 to 11\n"
        "  camvid/val/images/{sequence}_{stem}    101 images\n"
        "  camvid/val/labels/{sequence}_{stem}    their label maps, ids 0 to 11"
    )


def test_all_missing_folders_are_in_one_error(small_root: Path) -> None:
    (small_root / "idda" / "train.txt").unlink()
    shutil.rmtree(small_root / "camvid" / "val" / "labels")
    next((small_root / "camvid" / "train" / "images").iterdir()).unlink()
    with pytest.raises(MissingData) as caught:
        SMALL.check(small_root)
    assert str(caught.value).splitlines()[:5] == [
        f"The domain pair idda-camvid is not complete in {small_root}:",
        "  idda/train.txt is missing",
        "  camvid/train/images: no images",
        "  camvid/val/labels: no such folder; camvid/val has images",
        f"Expected in {small_root}:",
    ]


def test_the_parts_of_a_recipe_reach_its_description() -> None:
    plain = {name: SMALL.describe(name) for name in SETS}
    assert plain["source"] != changed_pair("idda-camvid", source={"size": [14, 8]}).describe("source")
    assert plain["target_train"] != plain["target_select"]


@pytest.mark.parametrize(
    ("images", "select", "report"), [(1, 0, 1), (2, 1, 1), (7, 3, 3), (101, 45, 51), (233, 103, 117)]
)
def test_validation_images_of_any_number_are_cut_in_the_same_proportions(images: int, select: int, report: int) -> None:
    val = [Listed((f"{number}", ""), f"{number}") for number in range(images)]
    chosen = choose(PAIR.definition.target, {"train": [], "val": val})
    assert (chosen["select"], chosen["report"]) == (val[:select], val[images - report :])


def test_other_images_than_the_published_ones_are_used_and_noted(small_root: Path, write_pair: Write) -> None:
    for name in ("0016E5_3", "0016E5_4"):
        file = write_pair(small_root / "camvid" / "val", name, np.full((36, 48), 3))
        Image.open(file.image).save(file.image.with_suffix(".png"))
        file.image.unlink()
    found = SMALL.at(small_root)
    found.check(small_root)
    assert found.sizes == {"source": 2, "target_train": 1, "target_select": 1, "target_report": 2}
    assert list(found.notices) == ["idda-camvid: of images, val has 4 (2 were published)"]
    assert found.build("target_report", small_root, range(2)).names == ("0016E5_3", "0016E5_4")


def test_too_few_images_for_a_set_are_an_error(small_root: Path) -> None:
    for kind in ("images", "labels"):
        next((small_root / "camvid" / "val" / kind).glob("0016E5_2.*")).unlink()
    with pytest.raises(MissingData, match="no images are left for target_select"):
        SMALL.check(small_root)


class TestRealData:
    def test_the_pair_is_complete(self, data_root: Path) -> None:
        PAIR.check(data_root)

    def test_select_and_report_images_are_apart_in_time(self, data_root: Path) -> None:
        select, report = (names_of(name, data_root) for name in ("target_select", "target_report"))
        assert (len(select), len(report)) == (45, 51)
        assert (select[0], select[-1]) == ("0016E5_07959", "0016E5_08047")
        assert (report[0], report[-1]) == ("0016E5_08059", "0016E5_08159")

    def test_training_images_are_of_three_sequences_and_not_of_the_validation_shot(self, data_root: Path) -> None:
        names = [name.split("_") for name in names_of("target_train", data_root)]
        assert Counter(sequence for sequence, _ in names) == {"0001TP": 62, "0006R0": 101, "0016E5": 204}
        frames = [int(frame) for sequence, frame in names if sequence == "0016E5"]
        assert min(abs(frame - edge) for frame in frames for edge in (7959, 8159)) == 31
        assert not any(7959 <= frame <= 8159 for frame in frames)

    def test_no_bonnet_is_in_the_source_labels(self, data_root: Path) -> None:
        listed = PAIR.files("source", data_root)
        pairs = zip(listed[::50], listed[1::50], strict=True)
        files = [LabeledFile(data_root / image, data_root / label) for image, label in pairs]
        car = CAMVID.names.index("car")
        whole = read_all(files, ReadRule(IDDA_IDS, (294, 165))).labels[:, -1]
        cut = read_all(files, PAIR.rule("source")).labels[:, -1]
        assert (whole == car).mean() > 0.5
        assert (cut == car).mean() < 0.05

    def test_the_target_sets_hold_all_classes(self, data_root: Path, tmp_path: Path) -> None:
        pair = DomainPair(PAIR, tmp_path, data_root)
        for packed, count in ((pair.target_select, 45), (pair.target_report, 51)):
            assert packed.images.shape == (count, 144, 192, 3)
            assert set(np.unique(packed.labels[:])) == {*range(11), 255}
