"""A trial hands itself back when its process is asked to end: it saves itself between two iterations, to go on later.

SIGTERM and SIGUSR1 ask for it, as Slurm, Kubernetes and spot machines send them, and so may the driver of the study.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ASKING = (signal.SIGTERM, signal.SIGUSR1)
_asked = threading.Event()
_looks_left: list[int] = []
"""How many looks it is until a trial that is checked is asked; empty in every other process."""


class HandedBack(Exception):
    """The trial goes on from its newest checkpoint, in another process or at another time: neither result nor error."""


def ask_to_hand_back() -> None:
    """Let the trial of this process, and any that comes after it here, hand itself back at the next iteration."""
    _asked.set()


def asked_to_hand_back() -> bool:
    """Whether this process is to train nothing more."""
    return _asked.is_set()


def ask_at_look(number: int) -> None:
    """Ask when a trainable looks for the time with this number, counted from 1, whether it was asked: to check it."""
    _looks_left[:] = [number]


def hand_back_if_asked() -> None:
    """Raise HandedBack where this process was asked to end: for trainables to call where their state is whole."""
    if _looks_left:
        _looks_left[0] -= 1
        if _looks_left[0] == 0:
            ask_to_hand_back()
    if _asked.is_set():
        raise HandedBack("its process was asked to end")


@contextmanager
def signals_ask() -> Iterator[None]:
    """Let SIGTERM and SIGUSR1 inside the block ask the trial to hand itself back, instead of ending the process."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(number: int, frame: FrameType | None) -> None:
        ask_to_hand_back()

    before = {number: signal.signal(number, ask) for number in ASKING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


@contextmanager
def asked_anew() -> Iterator[None]:
    """Forget at the end of the block that somebody asked: for processes that run one trial after the other in tests."""
    try:
        yield
    finally:
        _asked.clear()
