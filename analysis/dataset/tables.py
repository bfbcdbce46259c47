"""Artifacts of trials as rows of tables that hold those of all trials, and back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from analysis import confusions, pictures
from trainables.confusions import CLASSES, COLUMNS, RESAMPLE_BY

COLORS = b"colors"
Digests = dict[tuple[str, str], bytes]
"""SHA-256 by run and path."""


def counts_file(rows: pa.Table) -> bytes:
    """`report_confusions.parquet` of one run, out of its rows of `confusions.parquet` with the metadata of that."""
    metadata = {key: rows.schema.metadata[key] for key in (CLASSES, RESAMPLE_BY)}
    return _file(rows.select(list(COLUMNS)), metadata, "zstd")


def predictions_file(rows: pa.Table, classes: bytes, colors: bytes) -> bytes:
    """`predictions.parquet` of one run.

    Args:
        rows: image, pixels, truth and prediction, one per image.
        classes: names as JSON.
        colors: RGB of each class as JSON.
    """
    columns = ["image", "pixels", "truth", "prediction"]
    return _file(rows.select(columns), {CLASSES: classes, COLORS: colors}, "none")


class Packing:
    """Collects artifacts; the order in which they are added is that of the rows.

    What a table cannot hold so that the same comes out of it (a file of other classes than the first one, of other
    pixels under the name of an image, a damaged one) is kept byte for byte, among all other artifacts.
    """

    def __init__(self) -> None:
        self._counts, self._pictures = _Counts(), _Pictures()
        self._others: list[tuple[str, str, bytes]] = []
        self.digests: Digests = {}
        """Of every artifact as it comes out again."""

    def add(self, run: str, path: str, content: bytes) -> None:
        """Take one artifact of a run."""
        taken = None
        if path == confusions.FILE:
            taken = self._counts.take(run, content)
        elif path == pictures.FILE:
            taken = self._pictures.take(run, content)
        if taken is None:
            self._others.append((run, path, content))
        self.digests[run, path] = hashlib.sha256(taken or content).digest()

    def tables(self) -> dict[str, pa.Table]:
        """By name of the file; those without rows are left out."""
        columns = zip(*self._others, strict=True) if self._others else ([], [], [])
        types = (pa.string(), pa.string(), pa.binary())
        others = [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)]
        found = {
            "confusions": self._counts.table(),
            "images": self._pictures.images(),
            "predictions": self._pictures.predictions(),
            "files": pa.table(others, names=["run", "path", "content"]),
        }
        return {name: table for name, table in found.items() if table is not None and len(table)}


class _Counts:
    """Counts of runs that saw the same classes and whose units are the same."""

    def __init__(self) -> None:
        self._metadata: dict[bytes, bytes] = {}
        self._runs: list[str] = []
        self._parts: list[pa.Table] = []

    def take(self, run: str, content: bytes) -> bytes | None:
        """The file as it will come out again; None, with nothing taken, where that would not be the same."""
        table = _decoded(content, {CLASSES, RESAMPLE_BY})
        if table is None or table.column_names != list(COLUMNS):
            return None
        metadata = dict(table.schema.metadata)
        kind = pa.list_(pa.int64(), len(json.loads(metadata[CLASSES])) ** 2)
        if (self._parts and metadata != self._metadata) or table["counts"].type != kind:
            return None
        if not _same(rebuilt := counts_file(table), table):
            return None
        self._metadata = metadata
        self._runs += [run] * len(table)
        self._parts.append(table)
        return rebuilt

    def table(self) -> pa.Table | None:
        if not self._parts:
            return None
        rows = pa.concat_tables(self._parts).combine_chunks()
        return rows.add_column(0, "run", pa.array(self._runs, pa.string())).replace_schema_metadata(self._metadata)


class _Pictures:
    """Predictions of runs, and what they have in common: pixels and truth of each image."""

    def __init__(self) -> None:
        self._metadata: dict[bytes, bytes] = {}
        self._images: dict[str, tuple[bytes, bytes]] = {}
        self._predictions: list[tuple[str, str, bytes]] = []

    def take(self, run: str, content: bytes) -> bytes | None:
        """As for counts."""
        table = _decoded(content, {CLASSES, COLORS})
        if table is None or table.column_names != ["image", "pixels", "truth", "prediction"]:
            return None
        metadata = dict(table.schema.metadata)
        names, pixels, truth, predictions = (column.to_pylist() for column in table.columns)
        images = dict(zip(names, zip(pixels, truth, strict=True), strict=True))
        known = {**images, **self._images}
        if metadata != (self._metadata or metadata) or any(known[name] != images[name] for name in images):
            return None
        rows = pa.table(
            {
                "image": pa.array(names, pa.string()),
                "pixels": pa.array([known[name][0] for name in names], pa.binary()),
                "truth": pa.array([known[name][1] for name in names], pa.binary()),
                "prediction": pa.array(predictions, pa.binary()),
            }
        )
        if not _same(rebuilt := predictions_file(rows, metadata[CLASSES], metadata[COLORS]), table):
            return None
        self._metadata, self._images = metadata, known
        self._predictions += zip([run] * len(names), names, predictions, strict=True)
        return rebuilt

    def images(self) -> pa.Table:
        rows = [(name, pixels, truth) for name, (pixels, truth) in self._images.items()]
        return self._table(rows, ["image", "pixels", "truth"], (pa.string(), pa.binary(), pa.binary()))

    def predictions(self) -> pa.Table:
        return self._table(self._predictions, ["run", "image", "prediction"], (pa.string(), pa.string(), pa.binary()))

    def _table(self, rows: Sequence[tuple], names: list[str], types: tuple[pa.DataType, ...]) -> pa.Table:
        columns = zip(*rows, strict=True) if rows else [[]] * len(names)
        arrays = [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)]
        return pa.table(arrays, names=names).replace_schema_metadata(self._metadata)


def _file(rows: pa.Table, metadata: dict[bytes, bytes], compression: str) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(rows.replace_schema_metadata(metadata), sink, compression=compression, write_page_checksum=True)
    return sink.getvalue().to_pybytes()


def _decoded(content: bytes, metadata: set[bytes]) -> pa.Table | None:
    """A Parquet file with rows and exactly these metadata, else None."""
    try:
        table = _read(content)
    except (OSError, pa.ArrowException):
        return None
    return table if len(table) and set(table.schema.metadata or {}) == metadata else None


def _same(content: bytes, table: pa.Table) -> bool:
    return _read(content).equals(table, check_metadata=True)


def _read(content: bytes) -> pa.Table:
    """In this thread: for a file this small, handing it to others takes longer than reading it."""
    file = pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True)
    return file.read(use_threads=False)
