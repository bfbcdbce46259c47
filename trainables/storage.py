"""The folder of a study on any pyarrow file system: every path of a study goes through here."""

from __future__ import annotations

import errno
import os
import uuid
from contextlib import suppress
from pathlib import Path, PurePosixPath

from pyarrow import fs

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Errors of a disk that takes no more."""
UNFINISHED = ".tmp"
"""How the names of files end that are being written, or were when their writer was killed."""


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
        """Write a file whole or not at all: to a temporary name, to disk, then renamed.

        Raises OSError, which names the file, and leaves nothing new behind.
        """
        path = self._path(name)
        folder, temporary = str(PurePosixPath(path).parent), f"{path}.{uuid.uuid4().hex}{UNFINISHED}"
        try:
            self._files.create_dir(folder, recursive=True)
            with self._files.open_output_stream(temporary) as stream:
                stream.write(content)
            if self.is_local:
                flush_to_disk(temporary)
            self._files.move(temporary, path)
        except BaseException as error:
            # on a full disk an unfinished file would take the space of the next one
            with suppress(OSError):
                self._files.delete_file(temporary)
            if isinstance(error, OSError) and error.errno is not None:
                error.filename = path
            raise
        if self.is_local:
            flush_to_disk(folder)

    def read_bytes(self, name: str) -> bytes:
        """The content of a file; raises FileNotFoundError."""
        with self._files.open_input_file(self._path(name)) as stream:
            return stream.read()

    def exists(self, name: str) -> bool:
        """Whether there is a file of that name."""
        return self._files.get_file_info(self._path(name)).type == fs.FileType.File

    def list(self, folder: str) -> list[str]:
        """Names of the finished files in a folder, sorted; empty where there is no such folder."""
        return [name for name in self._inside(folder, fs.FileType.File) if not name.endswith(UNFINISHED)]

    def folders(self, folder: str) -> list[str]:
        """Names of the folders in a folder, sorted; empty where there is no such folder."""
        return self._inside(folder, fs.FileType.Directory)

    def delete(self, name: str) -> None:
        """Remove a file; raises FileNotFoundError."""
        self._files.delete_file(self._path(name))

    def delete_unfinished(self, folder: str) -> None:
        """Remove what killed writers have left in a folder; only for a folder with no writer but the caller."""
        for name in self._inside(folder, fs.FileType.File):
            if name.endswith(UNFINISHED):
                self.delete(name)

    def delete_folder(self, name: str) -> None:
        """Remove a folder and everything in it, temporaries of killed writers too; nothing where there is none."""
        if not PurePosixPath(name).parts:
            raise ValueError(f"{name!r} is the study folder itself")
        with suppress(FileNotFoundError):
            self._files.delete_dir(self._path(name))

    def _inside(self, folder: str, kind: fs.FileType) -> list[str]:
        found = self._files.get_file_info(fs.FileSelector(self._path(folder), allow_not_found=True))
        return sorted(str(PurePosixPath(folder) / info.base_name) for info in found if info.type == kind)

    def _path(self, name: str) -> str:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise ValueError(f"{name!r} leaves the study folder")
        return f"{self._root}/{name}" if name else self._root


def flush_to_disk(path: str | Path) -> None:
    """Bring a file to the disk itself, or a folder, else the name of a new file in it may be lost in a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
