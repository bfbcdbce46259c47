"""Whole studies whose trials' processes are asked to end while they train, as Slurm and Kubernetes ask them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.kills import training
from tests.support.project import PROJECT
from tests.support.studies import Studies

PATIENCE = 400.0
"""Seconds that data may take to be generated, too, on a busy machine."""


@dataclass
class Run:
    """A driver, and what it has written so far."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.lines)

    def wait_for(self, pattern: str, times: int = 1) -> None:
        """Until so many lines begin with a pattern. Raises AssertionError if the driver ends before."""
        deadline = time.monotonic() + PATIENCE
        while sum(re.match(pattern, line) is not None for line in list(self.lines)) < times:
            assert time.monotonic() < deadline and self.process.poll() is None, self.text[-3000:]
            time.sleep(0.05)

    def end(self, seconds: float = 2 * PATIENCE) -> int:
        """Its exit code, which it has after so many seconds at most."""
        code = self.process.wait(seconds)
        self._reader.join()
        return code

    def read(self) -> Run:
        """Collect its lines from now on."""
        out = self.process.stdout
        assert out is not None
        self._reader = threading.Thread(target=lambda: self.lines.extend(out), daemon=True)
        self._reader.start()
        return self


def begin(studies: Studies, file: Path, *arguments: str, address: str | None = None) -> Run:
    """A driver in a process of its own, on the cluster that the tests share or on another one."""
    command = [*studies.command(file), "--address", address or studies.cluster.address, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=PROJECT)
    return Run(process).read()


def preempt(studies: Studies, run: Run, times: int, number: int = signal.SIGTERM) -> None:
    """Ask the process of a trial that trains to end, again and again; each time until it has handed its trial back."""
    for time_ in range(1, times + 1):
        deadline = time.monotonic() + PATIENCE
        while not (pids := training(studies.cluster.pid)):
            assert time.monotonic() < deadline and run.process.poll() is None, run.text[-3000:]
            time.sleep(0.05)
        with suppress(ProcessLookupError):
            os.kill(pids[0], number)
        run.wait_for(r"notice .*: (handed back|process lost)", time_)
