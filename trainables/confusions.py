"""Confusion matrices of a split, one for each image, as a Parquet file: mIoU and its intervals follow from it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from trainables.domains.units import IMAGE

CLASSES, RESAMPLE_BY = b"classes", b"resample_by"
"""Metadata of the schema: the names of the classes, and what units are, both as JSON."""
COLUMNS = ("image", "unit", "counts")


class ImageConfusions(NamedTuple):
    """Confusion matrices of a split.

    Attributes:
        counts: (N, c, c) int64, pixels, rows truth, columns prediction.
        images: N names.
        classes: c names.
        units: the unit that each image is in. Images of one unit are not independent of each other, units are.
        resample_by: what a unit is, such as `image`.
    """

    counts: np.ndarray
    images: list[str]
    classes: list[str]
    units: list[str]
    resample_by: str


def confusions_to_parquet(
    confusions: np.ndarray,
    images: Sequence[str],
    classes: Sequence[str],
    units: Sequence[str] | None = None,
    resample_by: str = IMAGE,
) -> bytes:
    """One row per image.

    Args:
        confusions: (N, c, c) pixel counts, rows truth, columns prediction.
        images: N names.
        classes: c names, kept in the schema's metadata.
        units: the unit that each image is resampled with; by default each image is one.
        resample_by: what a unit is, kept in the schema's metadata.
    """
    flat = pa.array(confusions.reshape(-1).astype(np.int64))
    counts = pa.FixedSizeListArray.from_arrays(flat, len(classes) ** 2)
    names, of_units = (pa.array(texts, pa.string()) for texts in (images, images if units is None else units))
    table = pa.table(dict(zip(COLUMNS, (names, of_units, counts), strict=True)))
    table = table.replace_schema_metadata({CLASSES: json.dumps(list(classes)), RESAMPLE_BY: json.dumps(resample_by)})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
    return sink.getvalue().to_pybytes()


def confusions_from_parquet(content: bytes) -> ImageConfusions:
    """What is in a file of `confusions_to_parquet`.

    Raises OSError where the counts or names are not those that were written, and ValueError for another file.
    """
    table = pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True).read(use_threads=False)
    if tuple(table.column_names) != COLUMNS:
        raise ValueError(f"confusion matrices with the columns {table.column_names}, expected {list(COLUMNS)}")
    classes, resample_by = (json.loads(table.schema.metadata[key]) for key in (CLASSES, RESAMPLE_BY))
    counts = table["counts"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    counts = counts.reshape(-1, len(classes), len(classes))
    return ImageConfusions(counts, table["image"].to_pylist(), classes, table["unit"].to_pylist(), resample_by)
