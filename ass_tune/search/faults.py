"""Kinds of faults inside a trial: passing ones are retried, and one that every trial would hit pauses the study."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from trainables.contract import BrokenContract

SAME_FAULTS = 3
"""After this many trials in a row with the same traceback the study pauses."""


class FaultKind(StrEnum):
    """Why a trial's process could not go on."""

    OUT_OF_MEMORY = "out of memory"
    LOST = "process lost"
    HUNG = "hung"
    NO_ROOM = "no room on disk"
    BUG = "error"

    @property
    def passes(self) -> bool:
        """Whether the same trial may succeed when it is tried again at once."""
        return self in (FaultKind.OUT_OF_MEMORY, FaultKind.LOST, FaultKind.HUNG)


@dataclass(frozen=True)
class Fault:
    """What went wrong in one try of a trial."""

    kind: FaultKind
    error: str
    """The whole text, traceback included."""

    @property
    def summary(self) -> str:
        """Its last line that is not empty."""
        lines = [line.strip() for line in self.error.splitlines() if line.strip()]
        return lines[-1] if lines else str(self.kind)

    @property
    def fingerprint(self) -> str:
        """Equal for tracebacks that differ only in process ids, addresses and other numbers."""
        where = re.findall(r'File "[^"]*", line \d+, in .*', self.error)
        return "\n".join([*where, re.sub(r"0x[0-9a-f]+|\d+", "#", self.summary)])


class StudyPaused(Exception):
    """The study stops and its trials wait, because going on would only repeat the fault."""


def trial_error(text: str) -> Fault:
    """The fault behind an error of Ray or of the trainable, recognised by the last line of its text."""
    summary = Fault(FaultKind.BUG, text).summary
    if BrokenContract.__name__ in summary:  # it quotes what was returned, which may be anything
        return Fault(FaultKind.BUG, text)
    kinds = (kind for kind, sign in _SIGNS.items() if sign.search(summary))
    return Fault(next(kinds, None) or _kind_from_ray(text), text)


def _kind_from_ray(text: str) -> FaultKind:
    """Ray explains the end of a process in several lines, and the last one may be any of them."""
    if "running low on memory" in text:
        return FaultKind.OUT_OF_MEMORY
    return FaultKind.LOST if any(sign in text for sign in _LOST) else FaultKind.BUG


def same_faults(faults: Sequence[Fault]) -> bool:
    """Whether the latest faults, each of another trial, are the same, so that every trial would hit it."""
    return len(faults) >= SAME_FAULTS and len({fault.fingerprint for fault in faults[-SAME_FAULTS:]}) == 1


_SIGNS = {
    FaultKind.OUT_OF_MEMORY: re.compile(
        r"^[\w.]*(OutOfMemoryError|MemoryError)\b|CUDA out of memory|can't allocate memory|Cannot allocate memory"
    ),
    FaultKind.NO_ROOM: re.compile("No space left on device|Disk quota exceeded|File too large"),
}
_LOST = (
    "The actor died unexpectedly",
    "The actor is dead",
    "The actor is unavailable",
    "worker died unexpectedly",
    "its node has died",
    "node was terminated",
    "The actor is not schedulable",
    "The placement group corresponding to this",
)
