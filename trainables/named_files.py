"""The files below the data root that an author's trials read: their contents are part of the trials' keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from trainables.domains.data_files import NO_FILES, DataFiles
from trainables.domains.file_digests import FileDigests
from trainables.domains.progress import Progress, Watcher
from trainables.domains.recipe import MissingData


class NamedFiles(DataFiles):
    """Files by set, each of which counts for itself."""

    @property
    def sizes(self) -> dict[str, int]:
        """Number of files by set."""
        return {name: len(rows) for name, rows in self.sets.items()}


def named_files(named: Mapping[str, Sequence[str]], data_root: Path | None, cache: Path, watch: Watcher) -> DataFiles:
    """Read files, each named relative to the data root. Raises MissingData with those that are not there."""
    if not named:
        return NO_FILES
    if data_root is None:
        raise MissingData(f"trials read {', '.join(named)}: say with --data-root in which folder these files lie")
    digests, found = FileDigests(data_root, cache), {}
    for name, files in named.items():
        read = digests.of(files, lambda done, of, name=name: watch(Progress(name, "reading", done, of)))
        rows = list(zip(files, read, strict=True))
        if missing := [file for file, digest in rows if digest is None]:
            raise MissingData(f"{name}: {', '.join(missing[:5])} cannot be read in {data_root}")
        found[name] = rows
    return NamedFiles(found)
