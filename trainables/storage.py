"""The folder of a study on any pyarrow file system: every path of a study goes through here."""

from __future__ import annotations

import errno
import os
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TypeVar
from urllib.parse import quote, unquote, urlsplit

from pyarrow import fs

from trainables.credentials import without_credentials
from trainables.file_systems import puts_whole, shared_file_system
from trainables.patience import patiently

Answer = TypeVar("Answer")
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Errors of a disk that takes no more."""
UNFINISHED = ".tmp"
"""How the names of files end that are being written, or were when their writer was killed."""


class Storage:
    """Atomic files under one root, on a local disk, a network file system or an object store.

    A storage that is away is waited for, and `trainables.patience.telling` says so. One that answers and refuses
    raises OSError.

    Args:
        uri: a local path or a URI that `pyarrow.fs.FileSystem.from_uri` understands, e.g. `s3://bucket/studies/csa`.
        patient: whether to wait; else every error is raised.
    """

    def __init__(self, uri: str, *, patient: bool = True) -> None:
        self.uri = uri if "://" in uri else Path(uri).resolve().as_uri()
        self._patient = patient

    def __reduce__(self) -> tuple[Callable[[str, bool], Storage], tuple[str, bool]]:
        return _made, (self.uri, self._patient)

    @property
    def is_local(self) -> bool:
        """Whether the files lie on this machine's disk, or are mounted as if they did."""
        return self.uri.startswith("file:")

    @property
    def impatient(self) -> Storage:
        """The same folder for who must not wait."""
        return Storage(self.uri, patient=False)

    def below(self, folder: str) -> Storage:
        """A folder in this one as a storage of its own."""
        if self.is_local:
            return Storage(str(self.local_path(folder)), patient=self._patient)
        place, mark, options = self.uri.partition("?")
        return Storage(f"{place.rstrip('/')}/{quote(folder)}{mark}{options}", patient=self._patient)

    def shown(self, name: str = "") -> str:
        """A file, or the folder itself, as people read it: a path where it is local, else a URL."""
        if self.is_local:
            return str(self.local_path(name))
        place = without_credentials(self.uri.partition("?")[0]).rstrip("/")
        return f"{place}/{name}" if name else place

    @property
    def name(self) -> str:
        """Last part of the folder's path."""
        return PurePosixPath(unquote(urlsplit(self.uri).path)).name

    def local_path(self, name: str = "") -> Path:
        """The path of a file on the local disk; raises ValueError where the storage is not local."""
        if not self.is_local:
            raise ValueError(f"{self.uri} is not on this machine's disk")
        return Path(self._path(name))

    def write_bytes(self, name: str, content: bytes) -> None:
        """Write a file whole or not at all.

        Object stores show a file once all of it is there. Elsewhere it is written to a temporary name, brought to the
        disk and renamed. Raises OSError, which names the file, and leaves nothing new behind.
        """
        path = self._path(name)
        write = self._put if puts_whole(self._files) else self._write_and_rename
        self._ask(lambda: write(path, content))

    def read_bytes(self, name: str) -> bytes:
        """The content of a file; raises FileNotFoundError."""
        path = self._path(name)

        def read() -> bytes:
            with self._files.open_input_file(path) as stream:
                return stream.read()

        return self._ask(read)

    def exists(self, name: str) -> bool:
        """Whether there is a file of that name."""
        path = self._path(name)
        return self._ask(lambda: self._files.get_file_info(path)).type == fs.FileType.File

    def list(self, folder: str) -> list[str]:
        """Names of the finished files in a folder, sorted; empty where there is no such folder."""
        return [name for name in self._inside(folder, fs.FileType.File) if not name.endswith(UNFINISHED)]

    def list_all(self, folder: str) -> list[str]:
        """Names of the finished files in a folder and in all folders below it, sorted."""
        found = self._inside(folder, fs.FileType.File, recursive=True)
        return [name for name in found if not name.endswith(UNFINISHED)]

    def folders(self, folder: str) -> list[str]:
        """Names of the folders in a folder, sorted; empty where there is no such folder."""
        return self._inside(folder, fs.FileType.Directory)

    def delete(self, name: str) -> None:
        """Remove a file; raises FileNotFoundError."""
        path, tries = self._path(name), 0

        def delete() -> None:
            nonlocal tries
            tries += 1
            try:
                self._files.delete_file(path)
            except FileNotFoundError:
                if tries == 1:  # else the answer to an earlier try was lost
                    raise

        self._ask(delete)

    def delete_unfinished(self, folder: str) -> None:
        """Remove what killed writers have left in a folder; only for a folder with no writer but the caller."""
        if puts_whole(self._files):  # an object store never shows what is unfinished
            return
        for name in self._inside(folder, fs.FileType.File):
            if name.endswith(UNFINISHED):
                self.delete(name)

    def delete_folder(self, name: str) -> None:
        """Remove a folder and everything in it, temporaries of killed writers too; nothing where there is none."""
        if not PurePosixPath(name).parts:
            raise ValueError(f"{name!r} is the study folder itself")
        path = self._path(name)
        with suppress(FileNotFoundError):
            self._ask(lambda: self._files.delete_dir(path))

    def _put(self, path: str, content: bytes) -> None:
        """Ctrl-C must not interrupt it: pyarrow stores what a stream has when it is left."""
        with self._files.open_output_stream(path) as stream:
            stream.write(content)

    def _write_and_rename(self, path: str, content: bytes) -> None:
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

    def _inside(self, folder: str, kind: fs.FileType, *, recursive: bool = False) -> list[str]:
        path = self._path(folder)
        selector = fs.FileSelector(path, allow_not_found=True, recursive=recursive)
        found = self._ask(lambda: self._files.get_file_info(selector))
        names = (str(PurePosixPath(info.path).relative_to(path)) for info in found if info.type == kind)
        return sorted(str(PurePosixPath(folder) / name) for name in names)

    def _ask(self, call: Callable[[], Answer]) -> Answer:
        made = call if self.is_local else lambda: _beside_signals(call)
        return patiently(made, self.shown, remote=not self.is_local) if self._patient else made()

    @cached_property
    def _opened(self) -> tuple[fs.FileSystem, str]:
        if self.is_local:
            return fs.FileSystem.from_uri(self.uri)
        return self._ask(lambda: shared_file_system(self.uri))  # asks a server where a bucket is

    @property
    def _files(self) -> fs.FileSystem:
        return self._opened[0]

    @property
    def _root(self) -> str:
        return self._opened[1]

    def _path(self, name: str) -> str:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise ValueError(f"{name!r} leaves the study folder")
        return f"{self._root}/{name}" if name else self._root


def _beside_signals(call: Callable[[], Answer]) -> Answer:
    """What a call returns, made in a thread of its own where it would keep signals from the main thread.

    Python hears of none while pyarrow tries to reach a server, for seconds: of several Ctrl-C one would be left. Ctrl-C
    does not break the call off: it is raised once the call has come back, so that nothing is left behind.
    """
    if threading.current_thread() is not threading.main_thread():
        return call()
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(call).result()


def _made(uri: str, patient: bool) -> Storage:
    return Storage(uri, patient=patient)


def flush_to_disk(path: str | Path) -> None:
    """Bring a file to the disk itself, or a folder, else the name of a new file in it may be lost in a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
