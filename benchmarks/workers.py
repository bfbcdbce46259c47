"""Processes that draw and judge studies side by side."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor


class Workers:
    """A process for each core, each with one thread."""

    def __enter__(self) -> Workers:
        os.environ["OMP_NUM_THREADS"] = "1"  # read by the libraries of the processes when they start
        self._pool = ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn"))
        return self

    def map(self, function: Callable, *arguments: Iterable) -> list:
        """What the function returns for each of the arguments, in their order."""
        return list(self._pool.map(function, *arguments))

    def __exit__(self, *failure: object) -> None:
        self._pool.shutdown(cancel_futures=True)
