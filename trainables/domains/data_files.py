"""The files that trials are trained and judged on, and what is in each of them: the identity of a study's data."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import zip_longest
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from trainables.domains.file_digests import DIGEST_BYTES, FileDigests
from trainables.domains.progress import Progress, Watcher, unwatched
from trainables.domains.recipe import SETS, PairRecipe

Row = tuple[str, bytes | None]
"""A file, named relative to the data root, and its digest: None where it is absent or cannot be read."""
_SCHEMA = pa.schema([("set", pa.string()), ("file", pa.string()), ("digest", pa.binary(DIGEST_BYTES))])


@dataclass(frozen=True)
class DataFiles:
    """Every image and label map of each set that is read from files, in the order of the images.

    Where the data lies and when it was written is no part of it. Generated sets have no files: what decides their
    images is code, which is part of a trial's key anyway.
    """

    sets: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    notices: tuple[str, ...] = field(default=(), compare=False)
    """What the user should know about the files, a line each."""

    @cached_property
    def digests(self) -> dict[str, str]:
        """16 hexadecimal digits by set; they differ where a file has another name, content or place in the order."""
        return {name: _digest(rows) for name, rows in self.sets.items()}

    @property
    def sizes(self) -> dict[str, int]:
        """Number of images by set; each has a label map."""
        return {name: len(rows) // 2 for name, rows in self.sets.items()}

    @property
    def digest(self) -> str:
        """16 hexadecimal digits of all sets; empty where there are none."""
        return _hash([f"{name} {digest}" for name, digest in self.digests.items()]) if self.sets else ""

    def differences(self, now: DataFiles) -> Iterator[str]:
        """For each set that differs the first file that does and how many do, in words."""
        for name in dict.fromkeys((*self.sets, *now.sets)):
            if self.digests.get(name) != now.digests.get(name):
                yield f"{name}: {_difference(self.sets.get(name, ()), now.sets.get(name, ()))}"

    def to_parquet(self) -> bytes:
        """Columns `set`, `file` and `digest` (null for a file that cannot be read), a row for each file."""
        rows = [(name, *row) for name, of_set in self.sets.items() for row in of_set]
        columns = zip(*rows, strict=True) if rows else [[]] * len(_SCHEMA)
        table = pa.table([pa.array(column, kind) for column, kind in zip(columns, _SCHEMA.types, strict=True)], _SCHEMA)
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
        return sink.getvalue().to_pybytes()

    @classmethod
    def from_parquet(cls, content: bytes) -> DataFiles:
        """What `to_parquet` wrote; raises OSError or ValueError for anything else."""
        table = pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True).read(use_threads=False)
        if table.schema != _SCHEMA:
            raise ValueError(f"no list of files: it has the columns {', '.join(table.schema.names)}")
        sets: dict[str, list[Row]] = {}
        for name, *row in zip(*(column.to_pylist() for column in table.columns), strict=True):
            sets.setdefault(name, []).append((row[0], row[1]))
        return cls(sets)


NO_FILES = DataFiles()


def find_data_files(
    recipe: PairRecipe, data_root: Path | None, cache: Path, watch: Watcher = unwatched, sets: Sequence[str] = SETS
) -> DataFiles:
    """Look at all files of some sets, and read those that were written since they were last read.

    Args:
        recipe: of the pair, whose files were checked to be there.
        data_root: folder of the real data sets.
        cache: folder where is kept what was read.
        watch: is called with the progress of reading.
        sets: which of the pair's sets.

    Raises `MissingData` for a file that is written while it is read.
    """
    recipe = recipe.at(data_root)
    found: dict[str, Sequence[Row]] = {}
    digests: FileDigests | None = None
    for name in sets:
        if (files := recipe.files(name, data_root)) and data_root is not None:
            digests = digests or FileDigests(data_root, cache)
            found[name] = list(zip(files, digests.of(files, partial(_show, watch, name)), strict=True))
    return DataFiles(found, tuple(recipe.notices))


def _show(watch: Watcher, set_name: str, done: int, files: int) -> None:
    watch(Progress(set_name, "reading", done, files))


def _digest(rows: Sequence[Row]) -> str:
    return _hash([f"{file} {digest.hex() if digest else 'absent'}" for file, digest in rows])


def _hash(lines: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _difference(before: Sequence[Row], now: Sequence[Row]) -> str:
    """The first file that differs, how, and how many files differ."""
    old, new = ({file: digest for file, digest in rows if digest is not None} for rows in (before, now))
    kinds = {
        "changed": {file for file in old.keys() & new.keys() if old[file] != new[file]},
        "missing": old.keys() - new.keys(),
        "new": new.keys() - old.keys(),
    }
    kind_of = {file: kind for kind, files in kinds.items() for file in files}
    for of_old, of_new in zip_longest(old, new):
        for file in (of_old, of_new):
            if file in kind_of:
                counts = ", ".join(f"{len(files)} {kind}" for kind, files in kinds.items() if files)
                return f"{file} is {kind_of[file]} ({counts} in this set)"
        if of_old != of_new:
            return f"{of_new} is in another place of the order"
    return "the same files"
