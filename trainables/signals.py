"""SIGTERM, SIGUSR1 and SIGHUP end a command like Ctrl-C does: Slurm, Kubernetes and closed terminals send them."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

ENDING = (signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP)
IGNORED_BELOW = (signal.SIGHUP, signal.SIGUSR1)
"""Signals that reach all processes of a terminal or a Slurm job, and that Ray's own must outlive."""
SAME_END = 1.0
"""Seconds within which further signals mean the same end: a shell repeats a terminal's SIGHUP, and systemd sends
SIGTERM and SIGHUP. After them a signal forces, like a second Ctrl-C."""


@dataclass
class EndingSignal:
    """Which signal asked the process to end."""

    number: int | None = None
    _time: float = 0.0

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Do what Ctrl-C would do now. Raises KeyboardInterrupt, unless Ray Tune is to end its trials first."""
        now = time.monotonic()
        if self.number is not None and now - self._time < SAME_END:
            return
        self.number, self._time = number, now
        ctrl_c = signal.getsignal(signal.SIGINT)
        if not callable(ctrl_c):  # ignored, as in the background jobs of a shell
            raise KeyboardInterrupt
        ctrl_c(signal.SIGINT, frame)


@contextmanager
def ending_signals() -> Iterator[EndingSignal]:
    """Let these signals end the block like Ctrl-C; one that is ignored (`nohup`) stays so. Main thread only."""
    received = EndingSignal()
    before = {number: signal.getsignal(number) for number in ENDING}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, received.handle)
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def handlers_kept() -> Iterator[None]:
    """Keep the handlers of this process while the block starts Ray, which puts its own in their place, or ends it,
    which leaves none.

    Processes that are started in the block end neither with the terminal nor by Slurm's warning: this process does, and
    ends them.
    Raises KeyboardInterrupt for a SIGTERM inside the block.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[signal.Signals, Any] = {number: signal.getsignal(number) for number in ENDING}
    for number in IGNORED_BELOW:
        signal.signal(number, signal.SIG_IGN)
    try:
        yield
    except SystemExit:  # from Ray's handler of SIGTERM
        if callable(handler := before[signal.SIGTERM]):
            handler(signal.SIGTERM, None)
        raise
    finally:
        for number, handler in before.items():
            if handler is not None and (number in IGNORED_BELOW or handler is not signal.SIG_DFL):
                signal.signal(number, handler)
