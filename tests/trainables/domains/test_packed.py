from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests.full_disk import no_file_larger_than
from trainables.domains.packed import (
    DamagedPackError,
    PackedSet,
    open_packed,
    open_verified,
    recipe_hash,
    write_packed,
)

RECIPE = {"pair": "made-up", "rows": 5}
NAMES = [f"image {index}" for index in range(40)]


@pytest.fixture
def arrays() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (40, 30, 50, 3), np.uint8), rng.integers(0, 11, (40, 30, 50), np.uint8)


@pytest.fixture
def path(tmp_path: Path, arrays: tuple[np.ndarray, np.ndarray]) -> Path:
    path = tmp_path / "set.arrow"
    write_packed(path, *arrays, NAMES, RECIPE)
    return path


def _same(packed: PackedSet, arrays: tuple[np.ndarray, np.ndarray]) -> bool:
    return np.array_equal(packed.images, arrays[0]) and np.array_equal(packed.labels, arrays[1])


def test_what_was_written_is_read(path: Path, arrays: tuple[np.ndarray, np.ndarray]) -> None:
    packed = open_packed(path, recipe_hash(RECIPE))
    assert _same(packed, arrays)
    assert packed.names == tuple(NAMES)
    assert len(packed) == 40
    packed.verify()
    assert [file.name for file in path.parent.iterdir()] == ["set.arrow"]


def test_a_non_contiguous_array_is_written_right(tmp_path: Path, arrays: tuple[np.ndarray, np.ndarray]) -> None:
    mirrored = arrays[0][:, :, ::-1], arrays[1][:, :, ::-1]
    write_packed(tmp_path / "set.arrow", *mirrored, NAMES, RECIPE)
    packed = open_packed(tmp_path / "set.arrow")
    assert _same(packed, mirrored)
    packed.verify()


def test_views_are_of_the_mapped_file_and_not_copies(path: Path) -> None:
    allocated = pa.total_allocated_bytes()
    packed = open_packed(path)
    assert pa.total_allocated_bytes() - allocated < packed.images.nbytes / 10
    maps = [line.split() for line in Path("/proc/self/maps").read_text().splitlines() if str(path) in line]
    start, end = (int(bound, 16) for bound in maps[0][0].split("-"))
    for view in (packed.images, packed.labels):
        assert start <= view.__array_interface__["data"][0] < end
        assert not view.flags.writeable
        assert view.flags.c_contiguous


def test_views_outlive_the_set_that_gave_them(path: Path, arrays: tuple[np.ndarray, np.ndarray]) -> None:
    images = open_packed(path).images
    path.unlink()
    np.testing.assert_array_equal(images, arrays[0])


def test_pickling_sends_the_path_and_not_the_pixels(path: Path, arrays: tuple[np.ndarray, np.ndarray]) -> None:
    sent = pickle.dumps(open_packed(path))
    assert len(sent) < 1000
    assert _same(pickle.loads(sent), arrays)


@pytest.mark.parametrize("kept", [0, 0.001, 0.5, 0.99, -1])
def test_a_truncated_file_is_refused(path: Path, kept: float) -> None:
    size = path.stat().st_size
    os.truncate(path, size - 1 if kept == -1 else int(kept * size))
    with pytest.raises(DamagedPackError, match=r"set\.arrow: truncated or not a packed file"):
        open_packed(path)


def test_a_file_with_a_missing_middle_is_refused(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:1000] + content[50_000:])
    with pytest.raises(DamagedPackError, match="truncated or not a packed file"):
        open_packed(path)


def test_a_file_of_another_recipe_is_refused(path: Path) -> None:
    other = recipe_hash({**RECIPE, "rows": 6})
    with pytest.raises(DamagedPackError, match=f"made by recipe {recipe_hash(RECIPE)}, expected {other}"):
        open_packed(path, other)


def test_an_altered_recipe_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"rows":5', b'"rows":6'))
    with pytest.raises(DamagedPackError, match="the recipe inside does not have the hash it carries"):
        open_packed(path)


def test_some_other_arrow_file_is_refused(tmp_path: Path) -> None:
    batch = pa.record_batch({"image": [1, 2]})
    with pa.ipc.new_file(str(tmp_path / "other.arrow"), batch.schema) as writer:
        writer.write_batch(batch)
    with pytest.raises(DamagedPackError, match="packed format None, expected 1"):
        open_packed(tmp_path / "other.arrow")


@pytest.mark.parametrize("column", ["images", "labels"])
def test_verify_names_the_image_of_a_flipped_bit(path: Path, column: str) -> None:
    view = getattr(open_packed(path), column)[17]
    content = path.read_bytes()
    position = content.index(view.tobytes()) + 100
    path.write_bytes(content[:position] + bytes([content[position] ^ 4]) + content[position + 1 :])
    packed = open_packed(path)
    with pytest.raises(DamagedPackError, match=r"1 of 40 images differ from their checksums: image 17$"):
        packed.verify()


def test_a_process_compares_a_file_with_its_checksums_once_until_it_is_written_again(path: Path) -> None:
    open_verified(path, recipe_hash(RECIPE))
    written = path.stat()
    with path.open("r+b") as stream:
        stream.seek(5_000)
        stream.write(bytes(100))
    os.utime(path, ns=(written.st_mtime_ns, written.st_mtime_ns))
    open_verified(path, recipe_hash(RECIPE))
    os.utime(path, ns=(written.st_mtime_ns, written.st_mtime_ns + 1))
    for _ in range(2):
        with pytest.raises(DamagedPackError, match="1 of 40 images differ from their checksums"):
            open_verified(path, recipe_hash(RECIPE))


def test_a_verified_file_is_there_and_of_the_expected_recipe(path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_verified(path.with_name("absent"), recipe_hash(RECIPE))
    with pytest.raises(DamagedPackError, match="made by recipe"):
        open_verified(path, recipe_hash({}))


def test_a_missing_file_is_not_a_damaged_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_packed(tmp_path / "absent.arrow")


def test_arrays_that_do_not_fit_together_are_refused(tmp_path: Path, arrays: tuple[np.ndarray, np.ndarray]) -> None:
    images, labels = arrays
    with pytest.raises(ValueError, match="do not fit together"):
        write_packed(tmp_path / "set.arrow", images[:39], labels, NAMES, RECIPE)
    with pytest.raises(ValueError, match="must be uint8, not uint8 and int64"):
        write_packed(tmp_path / "set.arrow", images, labels.astype(np.int64), NAMES, RECIPE)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_no_part_of_a_file(tmp_path: Path, arrays: tuple[np.ndarray, np.ndarray]) -> None:
    with no_file_larger_than(100_000), pytest.raises(OSError, match="File too large"):
        write_packed(tmp_path / "set.arrow", *arrays, NAMES, RECIPE)
    assert not list(tmp_path.iterdir())


@pytest.mark.chaos
def test_any_damage_to_what_describes_the_images_is_noticed_or_harmless(tmp_path: Path) -> None:
    """Images of a few pixels leave most of the file to schema, footer, names and lengths."""
    rng, path = np.random.default_rng(0), tmp_path / "set.arrow"
    arrays = rng.integers(0, 256, (5, 2, 3, 3), np.uint8), rng.integers(0, 11, (5, 2, 3), np.uint8)
    write_packed(path, *arrays, NAMES[:5], RECIPE)
    content, noticed, harmless = path.read_bytes(), 0, 0
    for position in range(0, len(content), 3):
        altered = bytearray(content)
        altered[position] ^= int(rng.integers(1, 256))
        path.unlink()
        path.write_bytes(altered)
        try:
            packed = open_packed(path)
            packed.verify()
        except DamagedPackError:
            noticed += 1
            continue
        assert _same(packed, arrays)
        assert packed.names == tuple(NAMES[:5])
        harmless += 1  # padding, and what Arrow writes twice
    assert noticed > harmless


def test_the_recipe_hash_ignores_order_and_sees_values() -> None:
    assert recipe_hash({"a": 1, "b": [2]}) == recipe_hash({"b": [2], "a": 1})
    assert recipe_hash({"a": 1, "b": [2]}) != recipe_hash({"a": 1, "b": [3]})
