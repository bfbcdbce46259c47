"""Confusion matrices of a split, one for each image, as a Parquet file: mIoU and its intervals follow from it."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq


def confusions_to_parquet(confusions: np.ndarray, images: Sequence[str], classes: Sequence[str]) -> bytes:
    """One row per image.

    Args:
        confusions: (N, c, c) pixel counts, rows truth, columns prediction.
        images: N names.
        classes: c names, kept in the schema's metadata.
    """
    flat = pa.array(confusions.reshape(-1).astype(np.int64))
    counts = pa.FixedSizeListArray.from_arrays(flat, len(classes) ** 2)
    table = pa.table({"image": pa.array(images, pa.string()), "counts": counts})
    table = table.replace_schema_metadata({"classes": json.dumps(list(classes))})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
    return sink.getvalue().to_pybytes()


def confusions_from_parquet(content: bytes) -> tuple[np.ndarray, list[str], list[str]]:
    """Counts (N, c, c), N image names and c class names, from the content of a file of `confusions_to_parquet`.

    Raises OSError where the counts or names are not those that were written.
    """
    table = pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True).read(use_threads=False)
    classes = json.loads(table.schema.metadata[b"classes"])
    counts = table["counts"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return counts.reshape(-1, len(classes), len(classes)), table["image"].to_pylist(), classes
