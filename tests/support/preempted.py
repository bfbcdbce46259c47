"""Trials whose process is asked to end again and again, at iterations that a test chooses."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from trainables import preemption
from trainables.preemption import HandedBack, asked_anew, signals_ask


@dataclass(frozen=True)
class Preempted:
    """What a trial went through.

    Attributes:
        results: all that its steps returned, also repeated ones.
        handed_back: how often it handed itself back.
    """

    results: list[dict[str, Any]]
    handed_back: int

    @property
    def reports(self) -> list[dict[str, Any]]:
        """The results without those that were only repeated, which must be the same each time."""
        found: dict[int, dict[str, Any]] = {}
        for result in self.results:
            before = found.setdefault(result["iteration"], result)
            assert before["metrics"] == result["metrics"], "a repeated report is the same, its speed included"
        return list(found.values())


def run_preempted(
    make: Callable[[], Any], module: str, looks: Sequence[int], patch: pytest.MonkeyPatch, signal_number: int
) -> Preempted:
    """Run a trial to its end; a new object goes on wherever one has handed itself back.

    Args:
        make: builds the trial, or continues it.
        module: whose look whether it was asked is counted.
        looks: at which of its looks, counted from 1 over all processes, a signal arrives.
        patch: of the test.
        signal_number: of the signal.
    """
    looked = 0

    def look() -> None:
        nonlocal looked
        looked += 1
        if looked in looks:
            signal.raise_signal(signal_number)
        preemption.hand_back_if_asked()

    patch.setattr(f"{module}.hand_back_if_asked", look)
    results: list[dict[str, Any]] = []
    handed_back = 0
    while True:
        with asked_anew(), signals_ask():
            trial = make()
            try:
                while not results or not results[-1].get("final"):
                    results.append(trial.step())
                return Preempted(results, handed_back)
            except HandedBack:
                handed_back += 1
