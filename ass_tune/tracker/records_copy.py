"""A study's outbox, copied into a folder where no file can grow, from where a driver on another machine goes on."""

from __future__ import annotations

import json
import logging
import os
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import BinaryIO

from analysis.readers.folder import segments
from analysis.records import OUTBOX, SEGMENTS, segment_name, segment_start
from ass_tune.tracker.destination import has_default_store
from ass_tune.tracker.outbox import CONFIRMED, REJECTED
from trainables.mistakes import CannotRecord
from trainables.patience import FIRST_PAUSE, LONGEST_PAUSE, first_line
from trainables.storage import Storage

logger = logging.getLogger(__name__)
SEGMENT = 2_000_000
"""Bytes after which a new part is begun; the last one is written anew each time."""
GATHERING = 2.0
"""Seconds between two copies."""
SECONDS_AT_THE_END = 120.0
"""How long the end of a driver waits for a storage that is away to take the last records."""
SECONDS_IF_INTERRUPTED = 5.0
"""How long it waits where somebody insists that it ends, unless the storage is known to be away."""
INCOMPLETE = "outbox.incomplete"
"""There while the ledger may have what an outbox that was fetched lacks; `refill` has not been through it."""
_STATE = f"{SEGMENTS}/state.json"
_SMALL = (CONFIRMED, REJECTED)
"""What else the next driver needs: how far MLflow has the records, and those that it refused."""


class RecordsCopy:
    """Brings what is new in an outbox to the study's folder, part by part.

    Args:
        outbox: the file, which others append to.
        files: the study's folder. It has no other writer of records.
    """

    def __init__(self, outbox: Path, files: Storage) -> None:
        self._outbox, self._files = outbox, files
        self._start: int | None = None
        """Where the last part begins."""
        self._before = 0
        """CRC-32 of all bytes before it."""
        self._sent = -1
        self._small: dict[str, bytes] = {}

    def bring(self) -> None:
        """Copy whole lines, and after them what is said about them. Raises OSError where the storage is away."""
        small = {name: path.read_bytes() for name in _SMALL if (path := self._outbox.with_name(name)).is_file()}
        start = self._opened()
        with self._outbox.open("rb") as file:
            file.seek(start)
            content = file.read()
        content = content[: content.rfind(b"\n") + 1]
        if (end := start + len(content)) > self._sent:
            rest = b""
            for part in _parts(content):
                self._files.write_bytes(segment_name(start), part)
                if len(part) >= SEGMENT:
                    self._start = start = start + len(part)
                    self._before = zlib.crc32(part, self._before)
                else:
                    rest = part
            state = {"length": end, "checksum": zlib.crc32(rest, self._before)}
            self._files.write_bytes(_STATE, json.dumps(state).encode())
            self._sent = end
        for name in _SMALL:
            if small.get(name, b"") != self._small.get(name, b""):
                self._files.write_bytes(f"{SEGMENTS}/{name}", small.get(name, b""))
                self._small[name] = small.get(name, b"")

    def _opened(self) -> int:
        if self._start is None:
            starts = [start for name in segments(self._files) if (start := segment_start(name)) is not None]
            self._start = starts[-1] if starts else 0
            if starts:  # what is there is ours: else it would have been fetched
                self._sent = self._start + len(self._files.read_bytes(segment_name(self._start)))
            with self._outbox.open("rb") as file:
                self._before = _checksum(file, self._start)
        return self._start


def _parts(content: bytes) -> Iterator[bytes]:
    """Whole lines, of which each part but the last has at least so many bytes."""
    while len(content) > SEGMENT:
        cut = content.find(b"\n", SEGMENT - 1) + 1
        yield content[:cut]
        content = content[cut:]
    if content:
        yield content


def fetch_records(files: Storage, folder: Path) -> bool:
    """Make the outbox on this disk the one that the study's folder has, unless it has all of that already.

    What another driver recorded since counts. An outbox that has something else instead is kept beside it, under
    another name. Returns whether this disk has got another outbox.
    """
    parts = segments(files)
    ours = folder / OUTBOX
    if not parts or (ours.is_file() and _has_all(ours, files, parts)):
        return False
    folder.mkdir(parents=True, exist_ok=True)
    content = b"".join(map(files.read_bytes, parts))
    if ours.exists() and not content.startswith(ours.read_bytes()):
        aside = next(path for n in count(1) if not (path := folder / f"outbox.replaced-{n}.jsonl").exists())
        ours.rename(aside)
        logger.warning("another driver has recorded since: %s is kept as %s", ours, aside)
    for name in _SMALL:
        (folder / name).unlink(missing_ok=True)
    disk = Storage(str(folder))
    alone = has_default_store(files)  # an MLflow on the other disk: the one on this disk has nothing yet
    # only then the outbox: a driver that dies in between begins here again
    for name in _SMALL:
        small = files.read_bytes(f"{SEGMENTS}/{name}") if files.exists(f"{SEGMENTS}/{name}") else b""
        if small and (name != CONFIRMED or (not alone and _is_of(small, content))):
            disk.write_bytes(name, small)
    (folder / INCOMPLETE).touch()
    disk.write_bytes(OUTBOX, content)
    return True


def unconfirmed_in(files: Storage) -> int:
    """How many of the records in a study's folder MLflow did not have when they were copied there."""
    parts = segments(files)
    if not parts:
        return 0
    last = files.read_bytes(parts[-1]).splitlines()
    try:
        newest = json.loads(last[-1])["sequence"]
        confirmed = json.loads(files.read_bytes(f"{SEGMENTS}/{CONFIRMED}"))["sequence"]
    except FileNotFoundError:
        confirmed = 0
    return max(0, int(newest) - int(confirmed))


def _has_all(ours: Path, files: Storage, parts: list[str]) -> bool:
    try:
        state = json.loads(files.read_bytes(_STATE))
        length, checksum = int(state["length"]), int(state["checksum"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):  # its driver died before it could say
        content = b"".join(map(files.read_bytes, parts))
        length, checksum = len(content), zlib.crc32(content)
    with ours.open("rb") as file:
        return os.fstat(file.fileno()).st_size >= length and _checksum(file, length) == checksum


def _is_of(confirmed: bytes, content: bytes) -> bool:
    """Whether all that is confirmed is among these records: numbers after it will be given again."""
    try:
        return 0 < int(json.loads(confirmed)["offset"]) <= len(content)
    except (ValueError, KeyError, TypeError):
        return False


def _checksum(file: BinaryIO, length: int) -> int:
    """CRC-32 of the first bytes of a file."""
    file.seek(0)
    checksum, left = 0, length
    while left > 0 and (block := file.read(min(left, 1 << 20))):
        checksum, left = zlib.crc32(block, checksum), left - len(block)
    return checksum


class _Copier:
    """The thread that copies while a driver runs."""

    def __init__(self, copy: RecordsCopy, told: Callable[[str | None], None]) -> None:
        self._copy, self._told = copy, told
        self._stop, self._gives_up = threading.Event(), threading.Event()
        self.trouble: str | None = None
        self._thread = threading.Thread(target=self._run, name="records-copy", daemon=True)
        self._thread.start()

    def close(self, seconds: float) -> str | None:
        """Copy the last records; returns why they are not all there after so many seconds, or None."""
        self._stop.set()
        self._thread.join(seconds)
        self._gives_up.set()
        return self.trouble or ("it takes too long" if self._thread.is_alive() else None)

    def _run(self) -> None:
        failures = 0
        while True:
            last = self._stop.is_set()  # asked before copying: what comes in between is copied too
            try:
                self._copy.bring()
            except (OSError, ValueError) as error:
                failures += 1
                self.trouble = first_line(error)
                if self._gives_up.is_set():
                    return
                self._told(f"the study's folder takes no records: {self.trouble}")
                if last:
                    self._gives_up.wait(FIRST_PAUSE)
                else:
                    self._stop.wait(min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(failures, 8)))
                continue
            if failures:
                failures, self.trouble = 0, None
                self._told(None)
            if last:
                return
            self._stop.wait(GATHERING)


@contextmanager
def records_kept(files: Storage, folder: Path, told: Callable[[str | None], None] = lambda why: None) -> Iterator[bool]:
    """While a driver runs, copy its outbox into the study's folder; yields whether it may lack what the ledger has.

    Nothing is done where both are one folder. The caller is the study's only driver. Raises CannotRecord in the end
    where the last records could not be brought there: they are on this disk. After a KeyboardInterrupt that is only
    logged.

    Args:
        files: the study's folder.
        folder: has the outbox, on this disk.
        told: is told why nothing can be copied, and None when that is over.
    """
    if files.is_local:
        yield False
        return
    if not fetch_records(files, folder) and not (folder / OUTBOX).exists():  # nothing was copied yet
        folder.mkdir(parents=True, exist_ok=True)
        (folder / INCOMPLETE).touch()
        (folder / OUTBOX).touch()
    copier = _Copier(RecordsCopy(folder / OUTBOX, files.impatient), told)
    interrupted = False
    try:
        yield (folder / INCOMPLETE).exists()
    except KeyboardInterrupt:
        interrupted = True
        raise
    finally:
        patience = SECONDS_AT_THE_END
        if interrupted:
            patience = 0.0 if copier.trouble else SECONDS_IF_INTERRUPTED
        if (trouble := copier.close(patience)) is not None:
            said = (
                f"the last records are not in {files.shown()} yet ({trouble}). They are in {folder / OUTBOX}: "
                "run the same command on this machine again, or ass_tune.sync, before another one goes on"
            )
            if not interrupted:
                raise CannotRecord(said)
            logger.warning(said)
