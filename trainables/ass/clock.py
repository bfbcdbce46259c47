"""Where the time of a training step goes, measured without waiting for the device."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator
from contextlib import contextmanager
from time import perf_counter

import torch

PENDING = 1024
"""Parts measured on a GPU before the older half of them is added up: by then it is long done."""


class StepClock:
    """Milliseconds of the parts of a step: by the clock on a CPU, by events in the stream on a GPU."""

    def __init__(self, device: torch.device) -> None:
        self._on_gpu = device.type == "cuda"
        self._milliseconds: dict[str, float] = defaultdict(float)
        self._pending: list[tuple[str, torch.cuda.Event, torch.cuda.Event]] = []

    @contextmanager
    def part(self, name: str) -> Generator[None, None, None]:
        """What runs inside is a part of the step."""
        if not self._on_gpu:
            started = perf_counter()
            yield
            self._milliseconds[name] += 1e3 * (perf_counter() - started)
            return
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        yield
        end.record()
        self._pending.append((name, start, end))
        if len(self._pending) > PENDING:
            self._add_up(PENDING // 2)

    def take(self, steps: int) -> dict[str, float]:
        """Milliseconds of each part, averaged over the steps since the last call."""
        self._add_up(len(self._pending))
        taken, self._milliseconds = self._milliseconds, defaultdict(float)
        return {name: milliseconds / steps for name, milliseconds in taken.items()}

    def _add_up(self, count: int) -> None:
        done, self._pending = self._pending[:count], self._pending[count:]
        for name, start, end in done:
            end.synchronize()
            self._milliseconds[name] += start.elapsed_time(end)
