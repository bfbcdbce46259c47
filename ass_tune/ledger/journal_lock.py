"""Optuna's lock around appends to a journal, without its long wait for the lock of a killed process."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from pathlib import Path

logger = logging.getLogger(__name__)
LEFTOVER_AFTER = 5.0
"""Seconds after which a lock that never changed hands is a leftover: one append holds it for milliseconds."""
_LONGEST_PAUSE = 0.05


class JournalLock:
    """The same symbolic link next to the journal as Optuna's `JournalFileSymlinkLock`, so both exclude each other.

    Optuna Dashboard can therefore write while a study runs. Optuna's own lock waits 30 s for a killed holder, and for
    ever for a dangling link, which `optuna-dashboard studies/csa/ledger.journal` makes (its target is relative).
    Entering raises OSError where no link can be created, e.g. on a full disk.

    Args:
        path: the journal, absolute.
    """

    def __init__(self, path: Path) -> None:
        self._link = path.with_name(f"{path.name}.lock")
        # a spelling of the path that only we use, so that our links can be recognised
        self._target = path.parent / ".." / path.parent.name / path.name

    def remove_own_leftover(self) -> None:
        """Remove the link that a killed driver left. Only for the one driver of the study, which holds its lock."""
        with suppress(FileNotFoundError):
            if self._link.readlink() == self._target:
                self._link.unlink()

    def __enter__(self) -> None:
        holder, since, pause = None, time.monotonic(), 0.001
        while True:
            try:
                return self._link.symlink_to(self._target)
            except FileExistsError:
                if (now := self._holder()) is None or now != holder:
                    holder, since = now, time.monotonic()
                elif time.monotonic() - since > LEFTOVER_AFTER:
                    logger.warning("%s: removed the lock of a process that was killed", self._link)
                    self._link.unlink(missing_ok=True)
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def __exit__(self, *_: object) -> None:
        self._link.unlink(missing_ok=True)

    def _holder(self) -> tuple[int, int] | None:
        """Identifies one acquisition of the lock; None where it has just been released."""
        try:
            link = self._link.lstat()
        except FileNotFoundError:
            return None
        return link.st_ino, link.st_ctime_ns
