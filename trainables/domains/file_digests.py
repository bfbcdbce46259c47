"""What is in the files of a folder, without reading those again that were not written since."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock

from trainables.domains.processes import default_workers
from trainables.domains.recipe import MissingData
from trainables.storage import Storage

FOLDER = "digests"
"""The folder of the cache that has a file for each folder of data."""
DIGEST_BYTES = 16
AT_ONCE = 1000
"""Files after which it is written down what was read, so that an interruption costs no more than these."""


class Stamp(NamedTuple):
    """What changes when a file is written or replaced.

    The time at which the file's status changed (`ctime_ns`) is part of it because files out of an archive often have
    one time of their content (`mtime_ns`), which programs that copy files keep.
    """

    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, found: os.stat_result) -> Stamp:
        """The stamp of a file that was looked at."""
        return cls(found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


Known = tuple[Stamp, bytes]
"""A file as it was when it was read, and its digest."""
_SCHEMA = pa.schema(
    [("file", pa.string()), *((name, pa.int64()) for name in Stamp._fields), ("digest", pa.binary(DIGEST_BYTES))]
)


class FileDigests:
    """BLAKE2b digests (16 bytes) of files below a folder, kept in a cache for as long as the files stay as they are.

    Any number of processes may use a cache at once. One that is damaged is made anew.

    Args:
        root: the folder of the files.
        cache: the folder of all caches.
    """

    def __init__(self, root: Path, cache: Path) -> None:
        self._root, self._cache = root.resolve(), Storage(str(cache))
        self._name = f"{FOLDER}/{hashlib.sha256(os.fsencode(self._root)).hexdigest()[:16]}.parquet"
        self._known = self._load()

    def of(self, files: Sequence[str], watch: Callable[[int, int], None]) -> list[bytes | None]:
        """The digests of files, named relative to the folder; None for one that is absent or cannot be read.

        `watch` is called with how many files were read and how many have to be, unless none has to be.
        Raises `MissingData` for a file that is written while it is read.
        """
        stamps = {file: stamp for file in files if (stamp := self._stamp(file)) is not None}
        if self._unknown(stamps):
            with self._alone():
                self._known |= self._load()  # another process may have read them meanwhile
                self._read(self._unknown(stamps), watch)
        return [self._known[file][1] if file in stamps and file in self._known else None for file in files]

    def _stamp(self, file: str) -> Stamp | None:
        with suppress(OSError):
            return Stamp.of(os.stat(f"{self._root}/{file}"))  # noqa: PTH116  a path object takes longer than the look
        return None

    def _unknown(self, stamps: Mapping[str, Stamp]) -> list[str]:
        return [file for file, stamp in stamps.items() if file not in self._known or self._known[file][0] != stamp]

    def _read(self, files: Sequence[str], watch: Callable[[int, int], None]) -> None:
        with ThreadPoolExecutor(default_workers()) as threads:  # hashing and reading let other threads run
            for first in range(0, len(files), AT_ONCE):
                watch(first, len(files))
                part = files[first : first + AT_ONCE]
                for file, found in zip(part, threads.map(self._digest, part), strict=True):
                    self._known.pop(file, None)
                    if found is not None:
                        self._known[file] = found
                self._save()
        if files:
            watch(len(files), len(files))

    def _digest(self, file: str) -> Known | None:
        path = self._root / file
        try:
            with path.open("rb", buffering=0) as stream:
                before = Stamp.of(os.fstat(stream.fileno()))
                digest = hashlib.file_digest(stream, _blake2b).digest()
                after = Stamp.of(os.fstat(stream.fileno()))
        except OSError:
            return None  # whoever decodes the image says so, with all others that cannot be used
        if before != after:
            raise MissingData(f"{path} was written while it was read: wait until the data is complete")
        return before, digest

    def _alone(self) -> FileLock:
        path = self._cache.local_path(f"{self._name}.lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(path)

    def _load(self) -> dict[str, Known]:
        """What the cache has; nothing where there is none, or a damaged one."""
        try:
            content = pa.BufferReader(self._cache.read_bytes(self._name))
            table = pq.ParquetFile(content, page_checksum_verification=True).read(use_threads=False)
            if table.schema != _SCHEMA:
                return {}
            files, *of_stamps, digests = (column.to_pylist() for column in table.columns)
        except (OSError, ValueError, pa.ArrowException):
            return {}
        return dict(zip(files, zip(map(Stamp, *of_stamps), digests, strict=True), strict=True))

    def _save(self) -> None:
        stamps = [stamp for stamp, _ in self._known.values()]
        columns = {
            "file": list(self._known),
            **{name: [getattr(stamp, name) for stamp in stamps] for name in Stamp._fields},
            "digest": [digest for _, digest in self._known.values()],
        }
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table(columns, _SCHEMA), sink, compression="zstd", write_page_checksum=True)
        self._cache.write_bytes(self._name, sink.getvalue().to_pybytes())


def _blake2b() -> hashlib.blake2b:
    return hashlib.blake2b(digest_size=DIGEST_BYTES)
