"""The folder of a study on any pyarrow file system: every path of a study goes through here."""

from __future__ import annotations

import os
import uuid
from pathlib import Path, PurePosixPath

from pyarrow import fs


class Storage:
    """Atomic files under one root, on a local disk or an object store.

    Args:
        uri: a local path or a URI that `pyarrow.fs.FileSystem.from_uri` understands, e.g. `s3://bucket/studies/csa`.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri if "://" in uri else Path(uri).resolve().as_uri()
        self._files, self._root = fs.FileSystem.from_uri(self.uri)

    def __reduce__(self) -> tuple[type[Storage], tuple[str]]:
        return Storage, (self.uri,)

    @property
    def is_local(self) -> bool:
        """Whether the files lie on this machine's disk."""
        return isinstance(self._files, fs.LocalFileSystem)

    def local_path(self, name: str = "") -> Path:
        """The path of a file on the local disk; raises ValueError where the storage is not local."""
        if not self.is_local:
            raise ValueError(f"{self.uri} is not on this machine's disk")
        return Path(self._path(name))

    def write_bytes(self, name: str, content: bytes) -> None:
        """Write a file whole or not at all: to a temporary name, to disk, then renamed."""
        path = self._path(name)
        self._files.create_dir(str(PurePosixPath(path).parent), recursive=True)
        temporary = f"{path}.{uuid.uuid4().hex}.tmp"
        with self._files.open_output_stream(temporary) as stream:
            stream.write(content)
        if self.is_local:
            _flush_to_disk(temporary)
        self._files.move(temporary, path)

    def read_bytes(self, name: str) -> bytes:
        """The content of a file; raises FileNotFoundError."""
        with self._files.open_input_file(self._path(name)) as stream:
            return stream.read()

    def exists(self, name: str) -> bool:
        """Whether there is a file of that name."""
        return self._files.get_file_info(self._path(name)).type == fs.FileType.File

    def list(self, folder: str) -> list[str]:
        """Names of the finished files in a folder, sorted; empty where there is no such folder."""
        selector = fs.FileSelector(self._path(folder), allow_not_found=True)
        found = self._files.get_file_info(selector)
        names = (PurePosixPath(folder) / info.base_name for info in found if info.type == fs.FileType.File)
        return sorted(str(name) for name in names if name.suffix != ".tmp")

    def delete(self, name: str) -> None:
        """Remove a file; raises FileNotFoundError."""
        self._files.delete_file(self._path(name))

    def _path(self, name: str) -> str:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise ValueError(f"{name!r} leaves the study folder")
        return f"{self._root}/{name}" if name else self._root


def _flush_to_disk(path: str) -> None:
    with Path(path).open("rb") as stream:
        os.fsync(stream.fileno())
