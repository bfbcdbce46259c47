"""A note next to packed files that their checksums were compared, so that this is done once for a study."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from trainables.domains.packed import shard_files
from trainables.domains.shard import DamagedPackError, open_shard
from trainables.storage import Storage

NOTE = "verified.json"
Identity = tuple[int, int, int]
"""Inode, bytes and time of the last change in ns: they differ for a file that was written since."""


def identity(path: Path) -> Identity:
    """The identity of a file; raises FileNotFoundError."""
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def verify_file(path: Path, expected_hash: str, expected: range) -> Identity:
    """Compare all images of a packed file with their checksums: about a second for 1 GB.

    Returns the identity of the file that was compared; raises FileNotFoundError, or `DamagedPackError` also where
    it is not those images of the set that are expected.
    """
    before = identity(path)
    shard = open_shard(path, expected_hash)
    if (found := range(shard.first, shard.first + len(shard))) != expected:
        raise DamagedPackError(
            f"{path}: holds images {found.start} to {found.stop - 1}, expected {expected.start} to {expected.stop - 1}"
        )
    shard.verify()
    return before


def note_verified(folder: Path, files: Mapping[str, Identity]) -> None:
    """Write down which files of a folder, by name, have the right checksums."""
    Storage(str(folder)).write_bytes(NOTE, json.dumps(files, sort_keys=True).encode())


def is_verified(folder: Path) -> bool:
    """Whether all packed files in a folder, at least one, are those of the note."""
    try:
        noted = json.loads((folder / NOTE).read_bytes())
        return bool(noted) and noted == {file.name: list(identity(file)) for file in shard_files(folder)}
    except (FileNotFoundError, ValueError):
        return False
