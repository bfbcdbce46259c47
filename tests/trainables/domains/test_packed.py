from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from trainables.domains.packed import open_packed
from trainables.domains.recipe import Content
from trainables.domains.shard import DamagedPackError, recipe_hash, write_shard

RECIPE = {"pair": "made-up"}
PARTS = (range(0, 4), range(4, 8), range(8, 9))


@pytest.fixture
def content() -> Content:
    """9 images whose labels are larger than they are."""
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (9, 30, 50, 3), np.uint8), rng.integers(0, 11, (9, 60, 100), np.uint8)
    return Content(images, labels, tuple(f"image {index}" for index in range(9)))


@pytest.fixture
def folder(tmp_path: Path, content: Content) -> Path:
    for part in PARTS:
        _write(tmp_path, content, part)
    return tmp_path


def _write(folder: Path, content: Content, part: range, total: int = 9) -> Path:
    path, rows = folder / f"{part.start:06d}.arrow", slice(part.start, part.stop)
    some = Content(content.images[rows], content.labels[rows], content.names[rows])
    write_shard(path, some, RECIPE, part.start, total)
    return path


def test_a_folder_of_files_is_read_as_one_set(folder: Path, content: Content) -> None:
    packed = open_packed(folder, recipe_hash(RECIPE))
    np.testing.assert_array_equal(packed.images[:], content.images)
    np.testing.assert_array_equal(packed.labels[:], content.labels)
    assert packed.names == content.names
    assert len(packed) == 9
    assert (packed.images.shape, packed.labels.shape) == ((9, 30, 50, 3), (9, 60, 100))


def test_a_single_file_is_a_set_too(tmp_path: Path, content: Content) -> None:
    packed = open_packed(_write(tmp_path, content, range(9)))
    np.testing.assert_array_equal(packed.images[:], content.images)


@pytest.mark.parametrize("of_many_files", [True, False])
def test_pickling_sends_the_path_and_not_the_pixels(folder: Path, content: Content, of_many_files: bool) -> None:
    path = folder if of_many_files else _write(folder, content, range(0, 9))
    sent = pickle.dumps(open_packed(path))
    assert len(sent) < 1000
    np.testing.assert_array_equal(pickle.loads(sent).images[:], content.images)


@pytest.mark.parametrize(
    ("lost", "message"),
    [
        ("000000", "000004.arrow: begins at image 4 of 9, expected 0 of 9"),
        ("000004", "000008.arrow: begins at image 8 of 9, expected 4 of 9"),
        ("000008", ": holds 8 of 9 images"),
    ],
)
def test_a_lost_file_is_told(folder: Path, lost: str, message: str) -> None:
    (folder / f"{lost}.arrow").unlink()
    with pytest.raises(DamagedPackError, match=message):
        open_packed(folder)


def test_files_of_another_set_or_size_are_told(folder: Path, content: Content) -> None:
    _write(folder, content, range(4, 8), total=10)
    with pytest.raises(DamagedPackError, match="begins at image 4 of 10, expected 4 of 9"):
        open_packed(folder)
    _write(folder, Content(content.images[:, :10], content.labels, content.names), range(4, 8))
    with pytest.raises(DamagedPackError, match="images or labels of several sizes"):
        open_packed(folder)


def test_nothing_packed_is_not_a_damage(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent.arrow"):
        with pytest.raises(FileNotFoundError):
            open_packed(path)
