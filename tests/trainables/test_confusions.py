"""Confusion matrices as Parquet."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from trainables.confusions import COLUMNS, confusions_from_parquet, confusions_to_parquet

CLASSES = ("road", "traffic sign", "Fußweg")


@pytest.mark.parametrize("images", [0, 1, 5])
@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8])
def test_counts_names_and_classes_come_back(images: int, dtype: type) -> None:
    counts = np.random.default_rng(images).integers(0, 200, (images, 3, 3)).astype(dtype)
    names = [f"frankfurt/{index:06d}.png" for index in range(images)]
    found = confusions_from_parquet(confusions_to_parquet(counts, names, CLASSES))
    assert found.counts.dtype == np.int64
    assert found.counts.shape == (images, 3, 3)
    np.testing.assert_array_equal(found.counts, counts)
    assert (found.images, found.classes) == (names, list(CLASSES))
    assert (found.units, found.resample_by) == (names, "image")


def test_the_unit_of_each_image_comes_back() -> None:
    content = confusions_to_parquet(np.zeros((3, 3, 3)), ["a", "b", "c"], CLASSES, ["x/1", "x/1", "x/2"], "sequence")
    found = confusions_from_parquet(content)
    assert (found.images, found.units, found.resample_by) == (["a", "b", "c"], ["x/1", "x/1", "x/2"], "sequence")


def test_a_file_without_units_is_refused() -> None:
    table = pq.read_table(pa.BufferReader(confusions_to_parquet(np.zeros((1, 3, 3)), ["a"], CLASSES)))
    sink = pa.BufferOutputStream()
    pq.write_table(table.drop_columns("unit"), sink)
    with pytest.raises(ValueError, match=r"expected \['image'"):
        confusions_from_parquet(sink.getvalue().to_pybytes())


def test_large_counts_are_exact() -> None:
    counts = np.full((2, 1, 1), 2**53 + 1)
    np.testing.assert_array_equal(
        confusions_from_parquet(confusions_to_parquet(counts, ["a", "b"], ["road"]))[0], counts
    )


def test_rows_are_truth_and_columns_prediction() -> None:
    counts = np.zeros((1, 3, 3), np.int64)
    counts[0, 2, 1] = 7
    found = confusions_from_parquet(confusions_to_parquet(counts, ["a"], CLASSES))[0]
    assert np.argwhere(found).tolist() == [[0, 2, 1]]


def test_any_parquet_reader_can_use_the_file() -> None:
    counts = np.arange(18).reshape(2, 3, 3)
    table = pq.read_table(pa.BufferReader(confusions_to_parquet(counts, ["a", "b"], CLASSES)))
    assert table.column_names == ["image", "unit", "counts"]
    assert table["counts"].to_pylist() == [list(range(9)), list(range(9, 18))]


@pytest.mark.parametrize("column", COLUMNS)
def test_altered_counts_or_names_are_noticed(column: str) -> None:
    counts = np.random.default_rng(0).integers(0, 2**62, (4, 3, 3))
    content = bytearray(confusions_to_parquet(counts, ["a", "b", "c", "d"], CLASSES))
    chunk = (
        pq.ParquetFile(pa.BufferReader(bytes(content)))
        .metadata.row_group(0)
        .column(("image", "unit", "counts").index(column))
    )
    content[(chunk.dictionary_page_offset or chunk.data_page_offset) + chunk.total_compressed_size - 1] ^= 1
    with pytest.raises(OSError, match="CRC checksum verification failed"):
        confusions_from_parquet(bytes(content))


def test_as_many_names_as_matrices_are_needed() -> None:
    with pytest.raises(pa.ArrowInvalid):
        confusions_to_parquet(np.zeros((2, 3, 3)), ["a"], CLASSES)
