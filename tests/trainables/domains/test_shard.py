from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests.support.full_disk import no_file_larger_than
from trainables.domains.recipe import Content
from trainables.domains.shard import DamagedPackError, Shard, open_shard, recipe_hash, write_shard

RECIPE = {"pair": "made-up", "rows": 5}


@pytest.fixture
def content() -> Content:
    """40 images whose labels are larger than they are."""
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (40, 30, 50, 3), np.uint8), rng.integers(0, 11, (40, 60, 100), np.uint8)
    return Content(images, labels, tuple(f"image {index}" for index in range(40)))


@pytest.fixture
def path(tmp_path: Path, content: Content) -> Path:
    path = tmp_path / "set.arrow"
    write_shard(path, content, RECIPE)
    return path


def _same(shard: Shard, content: Content) -> bool:
    same_pixels = np.array_equal(shard.images, content.images) and np.array_equal(shard.labels, content.labels)
    return same_pixels and shard.names == content.names


def test_what_was_written_is_read(path: Path, content: Content) -> None:
    shard = open_shard(path, recipe_hash(RECIPE))
    assert _same(shard, content)
    assert (len(shard), shard.first, shard.total) == (40, 0, 40)
    shard.verify()
    assert [file.name for file in path.parent.iterdir()] == ["set.arrow"]


def test_a_non_contiguous_array_is_written_right(tmp_path: Path, content: Content) -> None:
    mirrored = Content(content.images[:, :, ::-1], content.labels[:, :, ::-1], content.names)
    write_shard(tmp_path / "set.arrow", mirrored, RECIPE, first=80, total=200)
    shard = open_shard(tmp_path / "set.arrow")
    assert _same(shard, mirrored)
    assert (shard.first, shard.total) == (80, 200)
    shard.verify()


def test_views_are_of_the_mapped_file_and_not_copies(path: Path) -> None:
    allocated = pa.total_allocated_bytes()
    shard = open_shard(path)
    assert pa.total_allocated_bytes() - allocated < shard.images.nbytes / 10
    maps = [line.split() for line in Path("/proc/self/maps").read_text().splitlines() if str(path) in line]
    start, end = (int(bound, 16) for bound in maps[0][0].split("-"))
    for view in (shard.images, shard.labels):
        assert start <= view.__array_interface__["data"][0] < end
        assert not view.flags.writeable
        assert view.flags.c_contiguous


def test_views_outlive_the_file_and_the_shard_that_gave_them(path: Path, content: Content) -> None:
    images = open_shard(path).images
    path.unlink()
    np.testing.assert_array_equal(images, content.images)


def test_an_open_shard_holds_no_open_file(path: Path) -> None:
    """Sets of tens of thousands of images have more files than a process may hold open."""
    shards = [open_shard(path) for _ in range(20)]
    open_files = [os.path.realpath(file) for file in Path("/proc/self/fd").iterdir()]
    assert open_files and os.path.realpath(path) not in open_files
    assert len(shards) == 20


@pytest.mark.parametrize("kept", [0, 0.001, 0.5, 0.99, -1])
def test_a_truncated_file_is_refused(path: Path, kept: float) -> None:
    size = path.stat().st_size
    os.truncate(path, size - 1 if kept == -1 else int(kept * size))
    with pytest.raises(DamagedPackError, match=r"set\.arrow: truncated or not a packed file"):
        open_shard(path)


def test_a_file_with_a_missing_middle_is_refused(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:1000] + whole[50_000:])
    with pytest.raises(DamagedPackError, match="truncated or not a packed file"):
        open_shard(path)


def test_a_file_of_another_recipe_is_refused(path: Path) -> None:
    other = recipe_hash({**RECIPE, "rows": 6})
    with pytest.raises(DamagedPackError, match=f"made by recipe {recipe_hash(RECIPE)}, expected {other}"):
        open_shard(path, other)


def test_an_altered_recipe_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"rows":5', b'"rows":6'))
    with pytest.raises(DamagedPackError, match="the recipe inside does not have the hash it carries"):
        open_shard(path)


def test_an_altered_shape_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"images":[40,30,50]', b'"images":[40,50,30]'))
    with pytest.raises(DamagedPackError, match="the shape inside does not have the hash it carries"):
        open_shard(path)


def test_some_other_arrow_file_is_refused(tmp_path: Path) -> None:
    batch = pa.record_batch({"image": [1, 2]})
    with pa.ipc.new_file(str(tmp_path / "other.arrow"), batch.schema) as writer:
        writer.write_batch(batch)
    with pytest.raises(DamagedPackError, match="packed format None, expected 2"):
        open_shard(tmp_path / "other.arrow")


@pytest.mark.parametrize("column", ["images", "labels"])
def test_verify_names_the_image_of_a_flipped_bit(path: Path, column: str) -> None:
    view = getattr(open_shard(path), column)[17]
    whole = path.read_bytes()
    position = whole.index(view.tobytes()) + 100
    path.write_bytes(whole[:position] + bytes([whole[position] ^ 4]) + whole[position + 1 :])
    shard = open_shard(path)
    with pytest.raises(DamagedPackError, match=r"1 of 40 images differ from their checksums: image 17$"):
        shard.verify()


def test_a_missing_file_is_not_a_damaged_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_shard(tmp_path / "absent.arrow")


def test_arrays_that_do_not_fit_together_are_refused(tmp_path: Path, content: Content) -> None:
    with pytest.raises(ValueError, match="do not fit together"):
        write_shard(tmp_path / "set.arrow", replace(content, images=content.images[:39]), RECIPE)
    with pytest.raises(ValueError, match="must be uint8, not uint8 and int64"):
        write_shard(tmp_path / "set.arrow", replace(content, labels=content.labels.astype(np.int64)), RECIPE)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_no_part_of_a_file(tmp_path: Path, content: Content) -> None:
    with no_file_larger_than(100_000), pytest.raises(OSError, match="File too large"):
        write_shard(tmp_path / "set.arrow", content, RECIPE)
    assert not list(tmp_path.iterdir())


@pytest.mark.chaos
def test_any_damage_to_what_describes_the_images_is_noticed_or_harmless(tmp_path: Path) -> None:
    """Images of a few pixels leave most of the file to schema, footer, names and lengths."""
    rng, path = np.random.default_rng(0), tmp_path / "set.arrow"
    images, labels = rng.integers(0, 256, (5, 2, 3, 3), np.uint8), rng.integers(0, 11, (5, 2, 3), np.uint8)
    content = Content(images, labels, tuple("abcde"))
    write_shard(path, content, RECIPE)
    whole, noticed, harmless = path.read_bytes(), 0, 0
    for position in range(0, len(whole), 3):
        altered = bytearray(whole)
        altered[position] ^= int(rng.integers(1, 256))
        path.unlink()
        path.write_bytes(altered)
        try:
            shard = open_shard(path)
            shard.verify()
        except DamagedPackError:
            noticed += 1
            continue
        assert _same(shard, content)
        harmless += 1  # padding, and what Arrow writes twice
    assert noticed > harmless


def test_the_recipe_hash_ignores_order_and_sees_values() -> None:
    assert recipe_hash({"a": 1, "b": [2]}) == recipe_hash({"b": [2], "a": 1})
    assert recipe_hash({"a": 1, "b": [2]}) != recipe_hash({"a": 1, "b": [3]})
