"""The Parquet files of an export: how each is laid out, and how one is written and verified; see docs/export.md."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from analysis.trials_table import REPORTS, TEXTS, TIME, TRIALS
from trainables.mistakes import UserMistake

FORMAT = "2"
"""Version of everything in docs/export.md."""
FORMAT_KEY, STUDY_KEY = b"ass_tune.export", b"study"
CHECKSUMS = "SHA256SUMS"
"""A line per file, as `sha256sum --check` reads them."""
_LEVEL = 19
_PAGE = 1 << 24
"""Bytes of a page; among many counts zstd finds more that repeats."""


@dataclass(frozen=True)
class Layout:
    """Columns of a file with their types, those with a dictionary of values, and encodings of the other ones."""

    columns: Mapping[str, pa.DataType | None]
    dictionary: tuple[str, ...] = ()
    encoding: Mapping[str, str] = field(default_factory=dict)


_TRIALS = {found.name: found.type for found in TRIALS}
# joins with other readers' tables want text, not Arrow's dictionaries; Parquet keeps each text once anyway
_REPORTS = {"run": pa.string(), "metric": pa.string(), "iteration": pa.int64(), "time": TIME, "value": pa.float64()}
_NAMED = {"run": pa.string(), "image": pa.string()}
LAYOUTS = {
    "trials": Layout(_TRIALS, tuple(name for name, kind in _TRIALS.items() if kind not in (TEXTS, TIME))),
    "reports": Layout(_REPORTS, ("run", "metric", "iteration", "time"), {"value": "BYTE_STREAM_SPLIT"}),
    # None: the size of its lists is the number of classes squared
    "confusions": Layout(
        {**_NAMED, "unit": pa.string(), "counts": None},
        ("run", "image", "unit"),
        {"counts.list.element": "BYTE_STREAM_SPLIT"},
    ),
    "images": Layout({"image": pa.string(), "pixels": pa.binary(), "truth": pa.binary()}),
    "predictions": Layout({**_NAMED, "prediction": pa.binary()}, ("run", "image")),
    "files": Layout({"run": pa.string(), "path": pa.string(), "content": pa.binary()}, ("run", "path")),
}
"""By name of the file, without `.parquet`."""
assert list(_REPORTS) == REPORTS.names


def write_table(folder: Path, name: str, table: pa.Table, metadata: Mapping[bytes, bytes]) -> None:
    """Write one of the files, to the disk itself.

    Args:
        folder: exists.
        name: one of `LAYOUTS`.
        table: with the columns of its layout.
        metadata: of the schema, besides the version of the format.
    """
    layout, path = LAYOUTS[name], folder / f"{name}.parquet"
    with path.open("wb") as stream:
        pq.write_table(
            table.replace_schema_metadata({FORMAT_KEY: FORMAT.encode(), **metadata}),
            stream,
            compression="zstd",
            compression_level=_LEVEL,
            use_dictionary=list(layout.dictionary),  # type: ignore[arg-type]
            column_encoding=dict(layout.encoding) or None,
            data_page_size=_PAGE,
            write_page_checksum=True,
        )
        stream.flush()
        os.fsync(stream.fileno())


def write_checksums(folder: Path) -> None:
    """Write down what the files of the folder are."""
    lines = [f"{_sha256(path.read_bytes())}  {path.name}\n" for path in sorted(folder.glob("*.parquet"))]
    with (folder / CHECKSUMS).open("w") as stream:
        stream.writelines(lines)
        stream.flush()
        os.fsync(stream.fileno())


class DataSet:
    """The files of an export, none of them read before it is asked for.

    Raises UserMistake, which names the file, where one is missing, damaged, of another version or no export's.

    Args:
        folder: of the export.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.study = self._metadata("trials")[STUDY_KEY].decode()
        for name in self._checksums:
            if not (folder / name).is_file():
                raise UserMistake(f"{folder / name} is missing: {CHECKSUMS} names it")

    def __contains__(self, name: str) -> bool:
        """Whether there is a file of that name; one without rows is left out of an export."""
        return f"{name}.parquet" in self._checksums

    def table(self, name: str) -> pa.Table:
        """One whole file, all bytes verified, with the metadata of its schema."""
        path = self._path(name)
        content = path.read_bytes()
        if _sha256(content) != self._checksums.get(path.name):
            raise UserMistake(f"{path} is damaged or of another export: its SHA-256 is not the one in {CHECKSUMS}")
        try:
            table = pq.read_table(pa.BufferReader(content), page_checksum_verification=True)
        except (OSError, pa.ArrowException) as error:
            raise UserMistake(f"{path} is damaged: {error}") from error
        self._check(path, table.schema)
        return table

    def column(self, name: str, column: str) -> list[str]:
        """One column of texts, without reading the others."""
        path = self._path(name)
        try:
            return pq.read_table(path, columns=[column], page_checksum_verification=True)[column].to_pylist()
        except (OSError, pa.ArrowException, KeyError) as error:
            raise UserMistake(f"{path} is damaged: {error}") from error

    def _metadata(self, name: str) -> Mapping[bytes, bytes]:
        path = self._path(name)
        try:
            schema = pq.read_schema(path)
        except FileNotFoundError:
            raise UserMistake(f"{path.parent} holds no export: there is no {path.name} in it") from None
        except (OSError, pa.ArrowException) as error:
            raise UserMistake(f"{path} is no Parquet file or damaged: {error}") from error
        self._check(path, schema)
        return schema.metadata

    def _check(self, path: Path, schema: pa.Schema) -> None:
        metadata = schema.metadata or {}
        for key in (FORMAT_KEY, STUDY_KEY):
            if key not in metadata:
                raise UserMistake(f"{path} is of no export: its metadata has no '{key.decode()}'")
        if (version := metadata[FORMAT_KEY].decode()) != FORMAT:
            raise UserMistake(f"{path} has version {version} of the format; this code reads version {FORMAT}")
        expected = LAYOUTS[path.stem].columns
        found = {column.name: column.type for column in schema}
        if list(found) != list(expected) or any(kind not in (None, found[name]) for name, kind in expected.items()):
            columns = ", ".join(f"{name} {kind}" for name, kind in found.items())
            raise UserMistake(f"{path} has the columns {columns}; expected: {', '.join(expected)} as in docs/export.md")

    @cached_property
    def _checksums(self) -> Mapping[str, str]:
        path = self.folder / CHECKSUMS
        try:
            lines = [line.split("  ", 1) for line in path.read_text().splitlines()]
            return {name: checksum for checksum, name in lines}
        except FileNotFoundError:
            raise UserMistake(f"{path} is missing: what the files of an export are cannot be verified") from None
        except ValueError as error:
            raise UserMistake(f"{path} is damaged: it has to be as sha256sum writes it") from error

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.parquet"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
