"""The time that a study may take: `--limit 7h45m`."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from ass_tune.wording import format_seconds

ALLOWED = "days, hours, minutes and seconds above 0, as in 2d, 7h45m, 90m or 3600s"
SECONDS_TO_END = 60.0
"""What is kept of a limit for saving trials, the record, the table and the end of Ray."""
LARGEST_SHARE_TO_END = 0.25
"""At most so much of a limit is kept for that."""
_FORM = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_SECONDS = (86400, 3600, 60, 1)


@dataclass(frozen=True)
class TimeLimit:
    """A study must have ended so many seconds after its command was given.

    Attributes:
        seconds: how many.
        ends: when that is, in seconds since the epoch.
    """

    seconds: float
    ends: float

    @classmethod
    def from_now(cls, text: str) -> TimeLimit:
        """The limit that a text gives, from now on. Raises ValueError, whose message says what is allowed."""
        found = _FORM.fullmatch(text.strip())
        numbers = [int(number or 0) for number in found.groups()] if found else []
        seconds = sum(number * unit for number, unit in zip(numbers, _SECONDS, strict=False))
        if not 0 < seconds <= 10_000 * _SECONDS[0]:
            raise ValueError(f"found {text!r}; allowed: {ALLOWED}")
        return cls(seconds, time.time() + seconds)

    @property
    def saves(self) -> float:
        """When trials are asked to save themselves, in seconds since the epoch."""
        return self.ends - min(SECONDS_TO_END, LARGEST_SHARE_TO_END * self.seconds)

    @property
    def gives_up(self) -> float:
        """Until when they are waited for."""
        return (self.saves + self.ends) / 2

    @property
    def left(self) -> float:
        """Seconds that are left, 0 at least."""
        return max(0.0, self.ends - time.time())

    def __str__(self) -> str:
        return f"limit of {format_seconds(self.seconds)}"
