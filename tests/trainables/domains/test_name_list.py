"""Lists of images as editors, shells and scripts write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainables.domains.name_list import list_named
from trainables.domains.patterns import LABELS, Pattern

TEXT = "b\na\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for kind, end in (("images", "jpg"), ("labels", "png")):
        (tmp_path / kind).mkdir()
        for name in ("a", "b", "c", "d.e f"):
            (tmp_path / kind / f"{name}.{end}").touch()
    return tmp_path


def listed(root: Path, content: bytes) -> tuple[list[str], tuple[str, ...], tuple[str, ...]]:
    (root / "list.txt").write_bytes(content)
    found = list_named(root, "list.txt", Pattern("images/{stem}"), Pattern("labels/{stem}", LABELS))
    return [Path(image).stem for image, _ in found.files], found.problems, found.notices


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
        b"b\r\na\r\n",
        b"b\ra",
        b"\n  b \n\n\ta\n\n",
        b"b.jpg\na.jpg\n",
        b"b.JPG\na.png\n",
        b"images/b.jpg\n./a.jpg",
        b"idda\\images\\b.jpg\r\nidda\\images\\a.jpg\r\n",
    ],
)
def test_names_are_found_however_they_are_written(root: Path, content: bytes) -> None:
    assert listed(root, content) == (["b", "a"], (), ())


def test_names_may_have_dots_and_spaces(root: Path) -> None:
    assert listed(root, b"d.e f\nc") == (["d.e f", "c"], (), ())


def test_names_without_an_image_are_named_and_repeated_ones_noted(root: Path) -> None:
    names, problems, notices = listed(root, b"a\nx\nb\na\ny\xe9\n")
    assert names == ["a", "b"]
    assert problems == (r"images: 2 of 4 listed images are missing: x, y\xe9",)
    assert notices == ("list.txt: 1 names are repeated, and each image is used once",)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_an_empty_list_is_named(root: Path, content: bytes) -> None:
    assert listed(root, content) == ([], ("list.txt: no names",), ())


def test_a_list_that_is_not_there_is_named(root: Path) -> None:
    found = list_named(root, "list.txt", Pattern("images/{stem}"), Pattern("labels/{stem}", LABELS))
    assert (found.files, found.problems) == ((), ("list.txt is missing",))


@pytest.mark.parametrize("between", [" ", "\t", ",", ", ", ";", "  \t"])
def test_a_line_may_say_which_label_map_belongs_to_the_image(root: Path, between: str) -> None:
    lines = [between.join(names) for names in (("images/b.jpg", "labels/a.png"), ("d.e f.jpg", "b.PNG"))]
    (root / "list.txt").write_text("\n".join([*lines, "c"]))
    found = list_named(root, "list.txt", Pattern("images/{stem}"), Pattern("labels/{stem}", LABELS))
    assert (found.problems, found.notices) == ((), ())
    assert found.files == (
        ("images/b.jpg", "labels/a.png"),
        ("images/d.e f.jpg", "labels/b.png"),
        ("images/c.jpg", "labels/c.png"),
    )


def test_a_label_map_that_a_line_names_and_that_is_not_there_is_named(root: Path) -> None:
    names, problems, _ = listed(root, b"a.jpg labels/x.png\nb.jpg labels/a.png\n")
    assert names == ["b"]
    assert problems == ("labels: 1 of 2 label maps are missing: x",)


def test_a_name_with_a_blank_is_one_name(root: Path) -> None:
    assert listed(root, b"d.e f.jpg\n") == (["d.e f"], (), ())
