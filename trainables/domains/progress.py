"""How far the preparation of a pair's sets is, for whoever watches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Progress:
    """Progress of a set: how many of its images are checked or packed, or of its files read, out of those to do."""

    set_name: str
    action: Literal["reading", "waiting for another process", "checking", "packing"]
    done: int
    images: int
    """Files where the action is `reading`."""


Watcher = Callable[[Progress], None]


def unwatched(progress: Progress) -> None:
    """A watcher that ignores progress."""
