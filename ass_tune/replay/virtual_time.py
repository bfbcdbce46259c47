"""Trials on the slots of a machine whose time is virtual: the director cannot tell it from Ray.

Syne Tune's simulator backend does the same: what happens next is the first event of a heap keyed (time, counter), so
that events of the same moment come in the order in which they were foreseen.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from ass_tune.search.director import Decision
from ass_tune.search.faults import Fault
from ass_tune.trial import End, Trial
from trainables.contract import StepResult


class Directs(Protocol):
    """What directs trials: the `Director`, or in a benchmark the scheduler of another library."""

    def next_trial(self) -> Trial | None:
        """The trial to start now; None if there is none to start before another one ends."""
        ...

    def result(self, key: str, step: StepResult) -> Decision:
        """Take a result of a running trial, and say whether it goes on."""
        ...

    def fault(self, key: str, fault: Fault, time: float) -> None:
        """A try of a running trial failed."""
        ...

    def end(self, key: str, end: End) -> None:
        """A running trial ended otherwise than by its own result."""
        ...


@dataclass(frozen=True)
class TryFailed:
    """A try of a trial that ends with a fault."""

    time: float
    fault: Fault


Event = StepResult | TryFailed | End
"""What happens to a trial, each with its time; the last two are the end of a try."""
Life = Callable[[Trial, float], Iterator[Event]]
"""From a trial and the time of its start to what happens to it, one after the other."""


class VirtualSlots:
    """Slots on which trials run; they may be run on after they were stopped.

    Args:
        director: decides what runs.
        life: what trials do; asked again for every try of a trial.
    """

    def __init__(self, director: Directs, life: Life) -> None:
        self.now = 0.0
        """Virtual seconds since the start."""
        self._director, self._life = director, life
        self._events: list[tuple[float, int, str, Event, Iterator[Event]]] = []
        self._counter = itertools.count()

    def run(self, slots: int, events: int | None = None) -> None:
        """Run to the end, or stop dead after some events.

        Args:
            slots: how many trials run at once.
            events: how many to hand to the director; None for all.
        """
        for _ in itertools.count() if events is None else range(events):
            while len(self._events) < slots and (trial := self._director.next_trial()) is not None:
                self._foresee(trial.key, self._life(trial, self.now))
            if not self._events:
                return
            self.now, _, key, event, rest = heapq.heappop(self._events)
            if isinstance(event, TryFailed):
                self._director.fault(key, event.fault, event.time)
            elif isinstance(event, End):
                self._director.end(key, event)
            elif self._director.result(key, event) is Decision.CONTINUE:
                self._foresee(key, rest)

    def _foresee(self, key: str, life: Iterator[Event]) -> None:
        event = next(life)
        heapq.heappush(self._events, (event.time, next(self._counter), key, event, life))
