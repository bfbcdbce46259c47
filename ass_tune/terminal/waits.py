"""What trials that are late wait for: on the screen of the driver, and for `--status` in a file while it lasts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ass_tune.trial import Listener, Wait
from ass_tune.wording import format_seconds
from trainables.storage import Storage

FILE = "waiting.json"
WAITING = "for others of their cell to be screened, or to go on first"
"""What trials wait for that are not late."""
_WAITS = TypeAdapter(tuple[Wait, ...])


class WaitsFile(Listener):
    """Keeps the file; it is there only while a trial is late.

    Args:
        folder: of the study.
    """

    def __init__(self, folder: Storage) -> None:
        self._folder = folder
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


def waits_in(folder: Path) -> tuple[Wait, ...]:
    """What the driver of a study says now; it is asked for only while there is one."""
    try:
        return _WAITS.validate_json((folder / FILE).read_bytes())
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
