"""One driver per study: a lock file with the name of its holder, which the kernel releases when the driver dies."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from trainables.mistakes import UserMistake

FILE = "lock"
"""Never deleted: a process that had opened the old file and one that creates a new file could both have a lock."""
_PAUSE = 0.05
_SECONDS_FOR_A_NAME = 1.0
"""How long to wait for a holder to write its name into the file, which takes it milliseconds."""
_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}


class Holder(BaseModel, frozen=True):
    """A driver of a study, as it wrote itself into the lock."""

    host: str
    pid: int = Field(gt=0, lt=2**31)
    since: AwareDatetime
    ends: AwareDatetime | None = None
    """When it ends at the latest; None where it has no limit."""

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} since {self.since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


class StudyBusy(UserMistake):
    """Another driver works on the study.

    Args:
        study: its name.
        holder: the other driver; None where it does not say who it is.
        otherwise: what to do in case it is not alive after all.
    """

    def __init__(self, study: str, holder: Holder | None, otherwise: str = "") -> None:
        self.holder = holder
        who = "another process, which has not written its name into the lock" if holder is None else str(holder)
        stop = "stop it" if holder is None else f"stop it with `kill -INT {holder.pid}` on {holder.host}"
        super().__init__(
            f"study {study} is being run by {who}: wait until it ends or {stop}, then run this command again"
            + (f"; {otherwise}" if otherwise else "")
        )


@contextmanager
def study_lock(folder: Path, ends: float | None = None) -> Generator[Holder | None]:
    """Be the only driver of the study in `folder`; yields the dead driver from whom it is taken over, if any.

    The folder is created if needed. Raises StudyBusy at once where another driver is alive, UserMistake where
    the file system has no locks or the file cannot be written.

    Args:
        folder: of the study.
        ends: when this driver ends at the latest, in seconds since the epoch; None where it has no limit.
    """
    file = _locked_file(folder / FILE)
    try:
        left = _read(file)
        until = None if ends is None else datetime.fromtimestamp(ends, UTC)
        here = Holder(host=socket.gethostname(), pid=os.getpid(), since=datetime.now(UTC), ends=until)
        _write(file, folder / FILE, here)
        try:
            yield left
        finally:
            os.ftruncate(file, 0)
    finally:
        os.close(file)


def holder(folder: Path) -> Holder | None:
    """The driver that runs the study in `folder` now, or None; changes nothing.

    Raises StudyBusy for a driver that has not written its name there, UserMistake where the lock cannot be read.
    """
    path = folder / FILE
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UserMistake(f"{path}: cannot be read: {error.strerror}") from error
    try:
        _acquire(file, path, shared=True)
    except StudyBusy as busy:
        if busy.holder is None:
            raise
        return busy.holder
    finally:
        os.close(file)
    return None


def _locked_file(path: Path) -> int:
    """The locked file that now stands at the path: another driver may have put the folder aside in the meantime."""
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Children do not inherit it, else one that outlives a killed driver would keep the study locked.
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        except OSError as error:
            raise UserMistake(f"{path}: cannot be opened to lock the study: {error.strerror}") from error
        try:
            _acquire(file, path)
            if path.exists() and os.path.samestat(os.fstat(file), path.stat()):
                return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)


def _acquire(file: int, path: Path, *, shared: bool = False) -> None:
    """Lock the file or raise StudyBusy.

    Just after a driver took the lock, the file may still have the name of a dead one. A name therefore counts only when
    it is read twice and belongs to a process that is alive, as far as this host can tell.
    """
    mode = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB
    deadline = time.monotonic() + _SECONDS_FOR_A_NAME
    before: Holder | None = None
    while True:
        try:
            return fcntl.flock(file, mode)
        except BlockingIOError:
            found = _read(file)
        except OSError as error:
            raise _cannot_lock(path, error) from error
        certain = found is not None and found == before and may_live(found)
        if certain or time.monotonic() > deadline:
            raise StudyBusy(path.parent.name, found)
        before = found
        time.sleep(_PAUSE)


def _cannot_lock(path: Path, error: OSError) -> UserMistake:
    if error.errno in _NO_LOCKS:
        return UserMistake(
            f"{path}: this file system has no file locks ({error.strerror}), so nothing would keep two drivers from "
            "running the study at once; put the studies on another disk with --studies"
        )
    return UserMistake(f"{path}: cannot be locked: {error.strerror}")


def _read(file: int) -> Holder | None:
    try:
        return Holder.model_validate_json(os.pread(file, 4096, 0))
    except ValidationError:
        return None


def _write(file: int, path: Path, driver: Holder) -> None:
    try:
        os.ftruncate(file, 0)
        os.pwrite(file, driver.model_dump_json().encode(), 0)
    except OSError as error:
        raise UserMistake(f"{path}: cannot be written: {error.strerror}") from error


def may_live(found: Holder) -> bool:
    """Whether the process exists. One on another host is assumed to."""
    if found.host != socket.gethostname():
        return True
    try:
        os.kill(found.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
