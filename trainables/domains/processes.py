"""Worker processes that never outlive the process they work for, and how many there should be."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Thread

MOST_WORKERS = 16
"""Each has a packed file's images in memory."""


def default_workers() -> int:
    """One process or thread for each core that this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_WORKERS)


@contextmanager
def processes(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that end at once where this one leaves the context, is interrupted or is killed."""
    context = get_context("spawn")  # a fork of a process with threads may hang
    lifeline, held = context.Pipe(duplex=False)
    with lifeline, ProcessPoolExecutor(workers, context, _end_with, (lifeline,)) as pool, held:
        yield pool


def _end_with(lifeline: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group, and one message is enough
    Thread(target=_wait_and_end, args=(lifeline,), daemon=True).start()


def _wait_and_end(lifeline: Connection) -> None:
    with suppress(EOFError, OSError):
        lifeline.recv()
    os._exit(1)
