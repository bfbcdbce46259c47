"""Why trials stop before their end: what may pass is tried again, and what every trial would hit pauses the study."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from trainables.contract import BrokenContract
from trainables.preemption import HandedBack

SAME_FAULTS = 3
"""After this many trials in a row with the same traceback the study pauses."""
LOSSES = 25
"""How often in a row a trial may lose its machine without getting further: such a trial may be what ends machines."""


class FaultKind(StrEnum):
    """Why a trial's process could not go on."""

    OUT_OF_MEMORY = "out of memory"
    LOST = "process lost"
    NODE_LOST = "node lost"
    HANDED_BACK = "handed back"
    """It saved itself because its process or node was asked to end."""
    HUNG = "hung"
    NO_ROOM = "no room on disk"
    UNFIT_NODE = "node set aside"
    """The node cannot run the trial, which is no try of it."""
    BUG = "error"

    @property
    def passes(self) -> bool:
        """Whether the same trial may succeed when it is tried again at once."""
        return self not in (FaultKind.BUG, FaultKind.NO_ROOM)

    @property
    def of_the_machine(self) -> bool:
        """Whether the trial's machine was taken away, which is no try of the trial."""
        return self in (FaultKind.NODE_LOST, FaultKind.HANDED_BACK)


@dataclass(frozen=True)
class Fault:
    """What went wrong in one try of a trial."""

    kind: FaultKind
    error: str
    """The whole text, traceback included."""
    saved_at: int = 0
    """Iteration of the trial's newest checkpoint; 0 where it has none."""

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
    if HandedBack.__name__ in summary:
        return Fault(FaultKind.HANDED_BACK, summary.rpartition(": ")[2])
    kinds = (kind for kind, sign in _SIGNS.items() if sign.search(summary))
    return Fault(next(kinds, None) or _kind_from_ray(text), text)


def _kind_from_ray(text: str) -> FaultKind:
    """Ray explains the end of a process in several lines, and the last one may be any of them."""
    if "running low on memory" in text:
        return FaultKind.OUT_OF_MEMORY
    if any(sign in text for sign in _NODE_LOST):
        return FaultKind.NODE_LOST
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
    "The task may or may not have been executed on the actor",
    "worker died unexpectedly",
    "The actor is not schedulable",
    "The placement group corresponding to this",
)
_NODE_LOST = (
    "its node has died",
    "node was terminated",
    "the node of its placement is gone",
    "node it was running on is dead or unavailable",
    "inferred to be dead due to draining",
)
