"""The append-only file between the driver and MLflow: what is in it is safe, what is confirmed has arrived."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Collection, Iterator
from pathlib import Path

from analysis.records import OUTBOX, Line, checksum, read_line, write_line
from ass_tune.ledger.append_only import append_whole, drop_torn_line, open_append_only
from trainables.credentials import without_credentials
from trainables.mistakes import CannotRecord
from trainables.storage import Storage

logger = logging.getLogger(__name__)
CONFIRMED, REJECTED = "outbox.confirmed", "outbox.rejected.jsonl"


class OutboxError(CannotRecord):
    """A record could not be written to disk; nothing of it is left in the file."""


class Outbox:
    """A file of JSON lines, each with a sequence number and a checksum; O(1) memory and work per append.

    An append is on the disk itself when it returns: what the ledger knows, which is written next, is here too, even
    after a power cut. Lines are never rewritten: `outbox.confirmed` says how far they have arrived,
    `outbox.rejected.jsonl` has what was refused, to be offered again at the next start.

    One process appends, and one confirms what it has delivered, the same or another one.

    Args:
        folder: the study's folder on a local disk; created if need be.
        appends: whether this process may append; if not, it leaves a last line alone that is not whole yet.
    """

    def __init__(self, folder: Path, *, appends: bool = True) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / OUTBOX
        self.rejected_path = folder / REJECTED
        self._storage = Storage(str(folder))
        self._lock = threading.Lock()
        self._file = open_append_only(self.path)
        self._confirmed, self._position = _read_confirmed(self._storage, self._file)
        if appends:
            drop_torn_line(self._file, self.path)
        self._written = (self._confirmed, self._position)

    @property
    def waiting(self) -> int:
        """Number of records that are not confirmed."""
        return self._last_and_end()[0] - self._confirmed

    @property
    def confirmed(self) -> int:
        """Sequence number up to which everything has arrived or was set aside."""
        return self._confirmed

    def look_again(self) -> None:
        """Another process may have confirmed more."""
        self._confirmed, self._position = _read_confirmed(self._storage, self._file)

    def append(self, *bodies: str) -> None:
        """Add records, all or none; raises OutboxError, with the file as it was, where the disk takes no more."""
        with self._lock:
            try:
                last, end = self._caught_up()
                lines = b"".join(write_line(last + number, body) for number, body in enumerate(bodies, start=1))
                append_whole(self._file, lines)
            except OSError as error:
                raise OutboxError(error.errno, f"cannot record to {self.path}: {error.strerror}") from error
            self._written = (last + len(bodies), end + len(lines))

    def read(self, limit: int) -> list[Line]:
        """The oldest unconfirmed entries, at most `limit`; damaged lines are left out with a warning."""
        entries: list[Line] = []
        _, end = self._last_and_end()
        for entry in _unconfirmed(self.path, self._confirmed, self._position, end):
            entries.append(entry)
            if len(entries) == limit:
                break
        return entries

    def confirm(self, entry: Line) -> None:
        """Everything up to and with this entry has arrived or was set aside."""
        state = {"sequence": entry.sequence, "offset": entry.end}
        content = json.dumps({**state, "checksum": checksum(entry.sequence, str(entry.end))})
        self._storage.write_bytes(CONFIRMED, content.encode())
        self._confirmed, self._position = entry.sequence, entry.end

    def set_aside(self, entry: Line, error: str) -> None:
        """Keep an entry that was refused, with the reason, where people find it."""
        line = json.dumps({"sequence": entry.sequence, "error": without_credentials(error), "record": entry.body})
        with self.rejected_path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    @property
    def set_aside_count(self) -> int:
        """Number of entries that are set aside."""
        return len({sequence for sequence, _ in self._set_aside()})

    def refused(self) -> tuple[int, set[int], set[str]]:
        """What is set aside: lines of its file, sequence numbers, and keys of the runs, where these can be read."""
        found = self._set_aside()
        return len(found), {sequence for sequence, _ in found}, {key for _, key in found if key}

    def of_runs(self, keys: Collection[str], sequences: Collection[int]) -> Iterator[Line]:
        """Confirmed entries, oldest first, that belong to runs, and those of some sequence numbers."""
        _, end = self._last_and_end()
        confirmed = self._confirmed
        for entry in _unconfirmed(self.path, 0, 0, end):
            if entry.sequence > confirmed:
                return
            if entry.sequence in sequences or key_of(entry.body) in keys:
                yield entry

    def forget_set_aside(self, lines: int) -> None:
        """Drop the first lines of what is set aside, because their entries were offered again."""
        rest = self.rejected_path.read_bytes().splitlines(keepends=True)[lines:]
        if rest:
            self._storage.write_bytes(REJECTED, b"".join(rest))
        else:
            self.rejected_path.unlink()

    def _set_aside(self) -> list[tuple[int, str]]:
        """Sequence number and key of each line of the file; 0 and no key for a line that cannot be read."""
        if not self.rejected_path.exists():
            return []
        return [_refused_entry(line) for line in self.rejected_path.read_text(encoding="utf-8").splitlines()]

    def close(self) -> None:
        """Release the file."""
        os.close(self._file)

    def _last_and_end(self) -> tuple[int, int]:
        """Last sequence number and length of the file, with no append under way."""
        with self._lock:
            return self._caught_up()

    def _caught_up(self) -> tuple[int, int]:
        """Asked of the file, so that a Ctrl-C at any moment of an append leaves nothing to contradict."""
        last, end = self._written
        if (size := self.path.stat().st_size) > end:  # by its path: asked after `close` too
            self._written = _last_line(self.path, last, end, size)
        return self._written


def key_of(body: str) -> str:
    """Key of the run that a record belongs to; empty where the text is no record with a key."""
    try:
        content = json.loads(body)
    except ValueError:
        return ""
    key = content.get("key") if isinstance(content, dict) else None
    return key if isinstance(key, str) else ""


def _refused_entry(line: str) -> tuple[int, str]:
    try:
        entry = json.loads(line)
        return int(entry["sequence"]), key_of(entry["record"])
    except (ValueError, KeyError, TypeError):
        return 0, ""


def waiting_in(folder: Path) -> int:
    """How many records in a study's folder are not confirmed. Nothing is written or created; its driver may live."""
    path = folder / OUTBOX
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return 0
    try:
        confirmed, position = _read_confirmed(Storage(str(folder)), file)
        return _last_line(path, confirmed, position, os.fstat(file).st_size)[0] - confirmed
    finally:
        os.close(file)


def _last_line(path: Path, last: int, position: int, end: int) -> tuple[int, int]:
    """Sequence number of the last sound entry between two offsets, else `last`, and where the last whole line ends."""
    whole = position
    for place, entry in _lines(path, position, end):
        last, whole = max(last, 0 if entry is None else entry.sequence), place
    return last, whole


def _unconfirmed(path: Path, confirmed: int, position: int, end: int) -> Iterator[Line]:
    """Sound, unconfirmed entries between two offsets, without a last line that is being written."""
    for place, entry in _lines(path, position, end):
        if entry is None:
            logger.warning("%s: a damaged line before byte %d is left out", path, place)
        elif entry.sequence > confirmed:
            yield entry


def _lines(path: Path, position: int, end: int) -> Iterator[tuple[int, Line | None]]:
    """Whole lines between two offsets, each with the offset after it; None for a damaged one."""
    with path.open("rb") as file:
        file.seek(position)
        while position < end and (line := file.readline()).endswith(b"\n"):
            position += len(line)
            yield position, read_line(line, position)


def _read_confirmed(storage: Storage, file: int) -> tuple[int, int]:
    """Sequence number and offset up to which all has arrived; the offset only where it still ends a line."""
    try:
        state = json.loads(storage.read_bytes(CONFIRMED))
        sequence, offset, stated_sum = int(state["sequence"]), int(state["offset"]), state["checksum"]
    except FileNotFoundError:
        return 0, 0
    except (ValueError, KeyError, TypeError):
        sequence, offset, stated_sum = 0, 0, None
    if stated_sum != checksum(sequence, str(offset)):
        damaged = storage.local_path(CONFIRMED)
        logger.warning("%s is damaged: all records are compared with MLflow again", damaged)
        return 0, 0
    ends_line = os.pread(file, 1, offset - 1) == b"\n" if offset > 0 else True
    return sequence, offset if ends_line else 0
