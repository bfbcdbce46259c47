"""What trials that are late wait for: on the screen of the driver, and for `--status` in a file while it lasts."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence

from pydantic import TypeAdapter, ValidationError
from rich.console import Console

from ass_tune.trial import Listener, Wait
from ass_tune.wording import format_seconds
from trainables.storage import Storage

FILE = "waiting.json"
WAITING = "for others of their cell to be screened, or to go on first"
"""What trials wait for that are not late."""
SECONDS_BETWEEN_LINES = 60.0
_WAITS = TypeAdapter(tuple[Wait, ...])


class WaitsFile(Listener):
    """Keeps the file; it is there only while a trial is late.

    Args:
        folder: of the study.
    """

    def __init__(self, folder: Storage) -> None:
        self._folder = folder.impatient
        self.trials_wait([])

    def trials_wait(self, waits: Sequence[Wait]) -> None:
        """Write what is waited for. A full disk stops the study elsewhere, where something would be lost."""
        try:
            if waits:
                self._folder.write_bytes(FILE, _WAITS.dump_json(tuple(waits), indent=2))
            elif self._folder.exists(FILE):
                self._folder.delete(FILE)
        except OSError:
            return


class StorageWaits:
    """Says on the screen that the driver itself waits for a storage, and when that is over.

    Called by every thread of the driver that waits: the one that directs trials, and those that copy and deliver.

    Args:
        console: of the user.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._since: dict[int, float] = {}
        self._said: dict[int, float] = {}

    def __call__(self, why: str | None) -> None:
        """A line when a wait begins, every minute while it lasts, and one when it has ended."""
        thread, now = threading.get_ident(), time.monotonic()
        if why is None:
            if (since := self._since.pop(thread, None)) is not None:
                self._print(f"goes on  the driver: its storage answers again, after {format_seconds(now - since)}")
            self._said.pop(thread, None)
            return
        since = self._since.setdefault(thread, now)
        if now - self._said.get(thread, -math.inf) >= SECONDS_BETWEEN_LINES:
            self._said[thread] = now
            self._print(f"late     the driver, for {format_seconds(now - since)}: waits for its storage: {why}")

    def _print(self, line: str) -> None:
        self._console.print(line, style="yellow", highlight=False, markup=False, soft_wrap=True)


def waits_in(folder: Storage) -> tuple[Wait, ...]:
    """What the driver of a study says now; it is asked for only while there is one."""
    try:
        return _WAITS.validate_json(folder.impatient.read_bytes(FILE))
    except (OSError, ValidationError):
        return ()


def wait_lines(waits: Sequence[Wait], now: float | None = None) -> list[str]:
    """A line for each reason, with the trials that it is true of and for how long.

    Args:
        waits: one for each late trial.
        now: seconds since the epoch; None for the time at which this is called.
    """
    by_reason: dict[tuple[str, str], list[Wait]] = {}
    for wait in waits:
        by_reason.setdefault((wait.reason, wait.details), []).append(wait)
    now = time.time() if now is None else now
    return [_line(": ".join(filter(None, why)), found, now) for why, found in by_reason.items()]


def _line(why: str, waits: Sequence[Wait], now: float) -> str:
    age = format_seconds(max(0.0, now - min(wait.since for wait in waits)))
    more = f" and {len(waits) - 1} more" if len(waits) > 1 else ""
    return f"late     {waits[0].trial}{more}, for {age}: {why}"
