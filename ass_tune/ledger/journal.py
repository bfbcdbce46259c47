"""The ledger's file: Optuna's journal, one JSON object per line, with checksums that reveal any damage."""

from __future__ import annotations

import io
import json
import os
import shlex
import zlib
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast

from optuna.storages.journal import BaseJournalBackend
from optuna.storages.journal._storage import JournalOperation

from ass_tune.ledger.append_only import append_whole, drop_torn_line, open_append_only
from ass_tune.ledger.journal_lock import JournalLock
from ass_tune.ledger.owners import Owners
from trainables.mistakes import CannotRecord, UserMistake
from trainables.storage import flush_to_disk

_CHECKSUM = b',"checksum":'
_BULK = 1 << 20
"""Bytes that are verified and parsed at once where the whole journal is read."""
_OF_DASHBOARD = ("dashboard:", "artifacts:")
"""Attributes that Optuna Dashboard writes into a study that it shows: notes, settings of plots, artifacts."""


class LedgerError(CannotRecord):
    """The ledger could not be written; the file is as it was before the attempt."""


class LedgerDamaged(UserMistake):
    """The ledger has changed since it was written.

    Args:
        path: the journal.
        line: number of the first wrong line, counted from 1.
        wrong: what is wrong with it.
        remedy: what can be done.
    """

    def __init__(self, path: Path, line: int, wrong: str, remedy: str) -> None:
        self.path, self.line = path, line
        super().__init__(f"{path}, line {line}: {wrong}. Nothing was changed. {remedy}")


class _Place(NamedTuple):
    """A place between two lines."""

    line: int = 0
    """Number of lines before it."""
    offset: int = 0
    """Number of bytes before it."""
    checksum: int = 0
    """CRC-32 of all our lines before it, taken together."""


class Journal(BaseJournalBackend):
    """A journal that Optuna and Optuna Dashboard can read, and that detects changes made by anything else.

    Each line ends with a checksum over itself and all lines before it, and is verified when it is read. A changed,
    lost, repeated or moved line is therefore detected; only the loss of everything after some line is not. Lines
    written by Optuna Dashboard, or by Optuna itself about other people's studies, have no checksum and do not enter
    those of other lines.

    An append takes the same time however long the file is. It is on the disk when it returns, or with the next
    `settle` where the journal settles appends in groups: what a power cut takes is then the end of the file.
    Raises LedgerDamaged where a line is wrong, and leaves the file as it was. A last line that a crash left
    unfinished is cut off, with a warning, when the journal is opened for writing or next appended to.
    Raises LedgerError where the disk is full or refuses the write.

    Args:
        path: the file, in an existing folder; created if needed.
        read_only: never create or change the file. Any number of processes may read. For writing, the caller makes
            sure that no other process writes, except Optuna Dashboard.
        reads_next: whether `read_in_bulk` is called next, which verifies all lines: they are not verified here, too.
    """

    def __init__(self, path: Path, *, read_only: bool = False, reads_next: bool = False) -> None:
        self.path = path.resolve()
        self._read_only = read_only
        self._lock = JournalLock(self.path)
        self.in_groups = False
        """Whether appends wait for `settle`, which the owner of the journal then calls often."""
        self._settled = True
        self._read = self._end = _Place()
        self._owners, self._owners_until = Owners(), 0
        if not read_only:
            with self._as_ledger_error():
                self._lock.remove_own_leftover()
            if not (reads_next and self.path.exists()):
                with self._end_to_append():
                    pass

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """The logs from a line on, counted from 0; a line that is still being written is left out.

        Raises LedgerDamaged, FileNotFoundError.
        """
        if self._read.line == log_number_from and self._has_nothing_new():
            return
        start = self._read if self._read.line <= log_number_from else _Place()
        for place, line in self._lines(start):
            self._read = place
            if place.line > log_number_from:
                yield json.loads(line)

    def _has_nothing_new(self) -> bool:
        """Whether all of the file was read: Optuna asks several times about each report."""
        try:
            return 0 < self.path.stat().st_size == self._read.offset
        except FileNotFoundError:
            return False

    def read_in_bulk(self) -> Iterator[list[dict[str, Any]]]:
        """All logs, many at a time: what `read_logs(0)` yields, several times as fast for a long journal.

        Raises LedgerDamaged, FileNotFoundError.
        """
        for place, lines in self._many_lines(_Place()):
            self._read = place
            yield json.loads(b"[%b]" % b",".join(lines))
        if not self._read_only:
            with self._end_to_append():
                pass

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append all or nothing. Raises io.UnsupportedOperation where the journal is read_only."""
        if self._read_only:
            raise io.UnsupportedOperation(f"{self.path} is open for reading only")
        with self._end_to_append() as file:
            end, lines = self._end, list[bytes]()
            for log in logs:
                end, line = _sealed(json.dumps(log, separators=(",", ":")).encode(), end)
                lines.append(line)
            self._settled = self._settled and not self.in_groups
            append_whole(file, b"".join(lines), wait=not self.in_groups)
            self._end = end

    def settle(self) -> None:
        """Bring to the disk what is not there yet. Raises LedgerError where the disk takes no more."""
        if not self._settled:
            with self._as_ledger_error():
                flush_to_disk(self.path)
            self._settled = True

    @contextmanager
    def _end_to_append(self) -> Generator[int]:
        """The locked file with all lines verified, and without a line that a killed process left unfinished."""
        with self._as_ledger_error(), self._lock:
            file = open_append_only(self.path)
            try:
                self._end = max(self._end, self._read)
                if os.fstat(file).st_size != self._end.offset:
                    for place, _ in self._many_lines(self._end):
                        self._end = place
                    drop_torn_line(file, self.path)
                yield file
            finally:
                os.close(file)

    @contextmanager
    def _as_ledger_error(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            raise LedgerError(error.errno, f"cannot write to the ledger {self.path}: {error.strerror}") from error

    def _lines(self, place: _Place) -> Iterator[tuple[_Place, bytes]]:
        """Verified lines from a place on, each with the place after it."""
        with self._opened(place) as file:
            for line in file:
                if not line.endswith(b"\n"):
                    return
                place = self._behind([line], place)
                yield place, line

    def _many_lines(self, place: _Place) -> Iterator[tuple[_Place, list[bytes]]]:
        """The same, many lines at a time."""
        with self._opened(place) as file:
            while lines := file.readlines(_BULK):
                if not lines[-1].endswith(b"\n"):
                    del lines[-1]
                place = self._behind(lines, place)
                yield place, lines

    @contextmanager
    def _opened(self, place: _Place) -> Generator[io.BufferedReader]:
        """The file at a place, where it is still long enough."""
        if place.line and not self.path.exists():
            wrong = "the file was removed while it was in use"
            raise LedgerDamaged(self.path, place.line, wrong, "Bring the file back, and run the study again.")
        with self.path.open("rb") as file:
            if os.fstat(file.fileno()).st_size < place.offset:
                wrong = "the file was cut off before the end of this line while it was in use"
                raise LedgerDamaged(self.path, place.line, wrong, "Run the study again: it goes on from what is there.")
            file.seek(place.offset)
            yield file

    def _behind(self, lines: Iterable[bytes], place: _Place) -> _Place:
        """The place after lines. Raises LedgerDamaged for one that is neither ours nor harmless."""
        number, offset, checksum = place
        for line in lines:
            body = line.rpartition(_CHECKSUM)[0]
            after = zlib.crc32(body, checksum)
            if line[len(body) :] == b"%b%d}\n" % (_CHECKSUM, after):
                number, offset, checksum = number + 1, offset + len(line), after
            else:
                number, offset, checksum = self._behind_foreign(line, _Place(number, offset, checksum))
        return _Place(number, offset, checksum)

    def _behind_foreign(self, line: bytes, place: _Place) -> _Place:
        """The place after a line that is not ours. Raises LedgerDamaged for one that is not harmless either."""
        log, number = _parsed(line), place.line + 1
        foreign = log is not None and "checksum" not in log
        if log is not None and (_is_of_dashboard(log) or (foreign and self._owners_before(place).is_harmless(log))):
            return _Place(number, place.offset + len(line), place.checksum)
        file = shlex.quote(str(self.path))
        if foreign:
            wrong = "another program changed this study (the line has no checksum, and is no note of Optuna Dashboard)"
            raise LedgerDamaged(self.path, number, wrong, f"Remove the line: sed -i {number}d {file}")
        remedy = (
            f"Bring back a copy of the file; or cut it off before that line (truncate -s {place.offset} {file}) "
            "and run the study again, which then trains anew what is gone."
        )
        raise LedgerDamaged(self.path, number, "damaged, or lines before it are missing", remedy)

    def _owners_before(self, place: _Place) -> Owners:
        """Who owns what according to the lines before a place, read only where another program's line is met."""
        if self._owners_until > place.offset:
            self._owners, self._owners_until = Owners(), 0
        with self.path.open("rb") as file:
            file.seek(self._owners_until)
            while self._owners_until < place.offset:
                line = file.readline()
                log = json.loads(line)
                self._owners.note(log, ours="checksum" in log)
                self._owners_until += len(line)
        return self._owners


def _sealed(log: bytes, place: _Place) -> tuple[_Place, bytes]:
    """The line of a JSON object, with its checksum, and the place after it."""
    body = log[:-1]
    checksum = zlib.crc32(body, place.checksum)
    line = b"%b%b%d}\n" % (body, _CHECKSUM, checksum)
    return _Place(place.line + 1, place.offset + len(line), checksum), line


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        log = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return cast(dict[str, Any], log) if isinstance(log, dict) else None


def _is_of_dashboard(log: dict[str, Any]) -> bool:
    """Whether a line only sets an attribute of Optuna Dashboard, which changes no result and no decision."""
    match log:
        case {"op_code": JournalOperation.SET_STUDY_SYSTEM_ATTR, "study_id": int(), **more}:
            pass
        case {"op_code": JournalOperation.SET_TRIAL_SYSTEM_ATTR, "trial_id": int(), **more}:
            pass
        case _:
            return False
    match more:
        case {"worker_id": str(), "system_attr": dict(), **rest} if not rest:
            names = list(cast(dict[str, Any], more["system_attr"]))
            return len(names) == 1 and names[0].startswith(_OF_DASHBOARD)
        case _:
            return False
