"""What lies in folders of images and label maps, whoever has put it there: listed, left out with a note, or named."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from unicodedata import normalize

import pytest

from trainables.domains.listing import Listing, list_pairs
from trainables.domains.patterns import LABELS, Pattern

IMAGES, MAPS = Pattern("set/images/{stem}"), Pattern("set/labels/{stem}", LABELS)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three empty files of images, and as many of label maps: no content is looked at."""
    for kind, end in (("images", "jpg"), ("labels", "png")):
        (tmp_path / "set" / kind).mkdir(parents=True)
        for number in (1, 2, 3):
            (tmp_path / "set" / kind / f"000{number}.{end}").touch()
    return tmp_path


def listed(root: Path) -> Listing:
    return list_pairs(root, IMAGES, MAPS)


def stems(root: Path) -> list[str]:
    return [Path(image).stem for image, _ in listed(root).files]


@pytest.mark.parametrize(
    "name",
    [
        *("._0001.jpg", ".DS_Store", "Thumbs.db", "THUMBS.DB", "ehthumbs.db", "desktop.ini", "Desktop.ini", "Icon\r"),
        *(".directory", ".nfs000001", "0001.jpg:Zone.Identifier", "__MACOSX", "@eaDir"),
    ],
)
def test_what_operating_systems_leave_behind_is_ignored_and_counted(root: Path, name: str) -> None:
    before = listed(root).files
    for folder in ("images", "labels"):
        (root / "set" / folder / name).touch()
    found = listed(root)
    assert (found.files, found.problems) == (before, ())
    shown = name.replace("\r", "\\r")
    assert found.notices == tuple(
        f"set/{folder}: ignored 1 that operating systems leave behind: {shown}" for folder in ("images", "labels")
    )


def test_traces_of_an_operating_system_beside_each_image_change_nothing(root: Path) -> None:
    for image in list((root / "set" / "images").iterdir()):
        image.with_name(f"._{image.name}").write_bytes(b"\0\5\x16\7")
    assert stems(root) == ["0001", "0002", "0003"]
    assert listed(root).notices == (
        "set/images: ignored 3 that operating systems leave behind: ._0001.jpg, ._0002.jpg, ._0003.jpg",
    )


@pytest.mark.parametrize("end", ["JPG", "JPEG", "Jpg", "png", "PNG", "bmp", "tif", "webp"])
def test_an_ending_in_any_letters_and_of_any_kind_is_that_of_an_image(root: Path, end: str) -> None:
    (root / "set" / "images" / "0002.jpg").rename(root / "set" / "images" / f"0002.{end}")
    assert stems(root) == ["0001", "0002", "0003"]
    assert listed(root).notices == ()


def test_label_maps_in_a_format_that_loses_their_ids_are_missing(root: Path) -> None:
    for label in list((root / "set" / "labels").iterdir()):
        label.rename(label.with_suffix(".jpg"))
    assert listed(root).problems == (
        "set/labels: 3 of 3 label maps are missing: 0001, 0002, 0003; it has 0001.jpg, 0002.jpg, and 1 more",
    )


def test_other_files_are_noted_by_name(root: Path) -> None:
    (root / "set" / "images" / "notes.txt").touch()
    assert listed(root).notices == ("set/images: ignored 1 that are no images: notes.txt",)


def test_a_missing_label_map_is_named_and_one_without_an_image_noted(root: Path) -> None:
    (root / "set" / "labels" / "0002.png").unlink()
    (root / "set" / "images" / "0003.jpg").unlink()
    found = listed(root)
    assert found.files == (("set/images/0001.jpg", "set/labels/0001.png"),)
    assert found.problems == ("set/labels: 1 of 2 label maps are missing: 0002",)
    assert found.notices == ("set/labels: label maps without an image: 0003",)


@pytest.mark.skipif(sys.platform == "darwin", reason="its file systems refuse such names")
def test_a_name_that_is_no_utf_8_is_named_readably(root: Path) -> None:
    (root / "set" / "images" / "0002.jpg").rename(root / "set" / "images" / os.fsdecode(b"000\xe9\n.jpg"))
    found = listed(root)
    assert found.problems == (r"set/images: rename files whose names are not UTF-8: 000\xe9\n.jpg",)
    assert "".join(found.notices).isprintable()


def test_accents_are_the_same_however_they_are_written(root: Path) -> None:
    (root / "set" / "images" / f"{normalize('NFD', 'é')}.jpg").touch()
    (root / "set" / "labels" / f"{normalize('NFC', 'é')}.png").touch()
    assert len(listed(root).files) == 4


def test_two_files_of_one_name_are_named(root: Path) -> None:
    (root / "set" / "images" / "0001.png").touch()
    assert listed(root).problems == ("set/images: 1 names are there with two endings: 0001.png",)


def test_a_link_that_leads_nowhere_is_listed_for_whoever_opens_it(root: Path) -> None:
    for path in (root / "set" / "images" / "0002.jpg", root / "set" / "labels" / "0003.png"):
        path.unlink()
        path.symlink_to(root / "nowhere")
    assert stems(root) == ["0001", "0002", "0003"]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ("annot", "set/labels: no such folder; set has annot, images"),
        (".labels", "set/labels: no such folder; set has images"),
    ],
)
def test_a_folder_of_another_name_is_named(root: Path, other: str, message: str) -> None:
    (root / "set" / "labels").rename(root / "set" / other)
    assert listed(root) == Listing(problems=(message,))


def test_a_data_root_that_is_not_there_has_nothing(tmp_path: Path) -> None:
    where = tmp_path / "nowhere"
    assert listed(where).problems[0] == f"set/images: no such folder; {where} has nothing"


def test_a_file_in_place_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "set").touch()
    assert listed(tmp_path).problems == ("set/images: Not a directory", "set/labels: Not a directory")


def test_an_empty_folder_is_named(root: Path) -> None:
    for image in (root / "set" / "images").iterdir():
        image.unlink()
    assert listed(root).problems == ("set/images: no images",)


def test_folders_inside_are_searched_without_those_that_operating_systems_leave_behind(root: Path) -> None:
    for city in ("ulm", "__MACOSX", ".git"):
        for kind, end in (("images", "_a.png"), ("labels", "_b.png")):
            (root / "cities" / kind / city).mkdir(parents=True)
            (root / "cities" / kind / city / f"x{end}").touch()
            (root / "cities" / kind / city / "x_c.json").touch()
    images = Pattern("cities/images/{sequence}/{stem}_a")
    found = list_pairs(root, images, Pattern("cities/labels/{sequence}/{stem}_b", LABELS))
    assert found.files == (("cities/images/ulm/x_a.png", "cities/labels/ulm/x_b.png"),)
    assert found.notices[0] == "cities/images: ignored 2 that operating systems leave behind: .git, __MACOSX"
