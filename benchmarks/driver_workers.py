"""What workers wait for while a study trains: for processes, for the driver's answers, for trials, and at the end.

Trials are learning curves whose reports take a fixed time of sleep, as those of a GPU do for the machine's cores. Ray
is told that it has a CPU for each of them.
"""

from __future__ import annotations

import heapq
import json
import subprocess
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

from analysis.readers.folder import records_in
from analysis.records import OUTBOX, STUDY_KEY, Metrics, RunStarted
from benchmarks.driver_studies import STUDY, Size, new_folder, ours, recorded

SECONDS_PER_REPORT, REPORTS = 2.0, 10
"""A trial of the laptop profile trains for about so long on one core. On a GPU a report takes minutes."""
OF_WORKERS = {
    1: Size(4, REPORTS, 1, 1, SECONDS_PER_REPORT),
    4: Size(12, REPORTS, 1, 2, SECONDS_PER_REPORT),
    16: Size(48, REPORTS, 2, 4, SECONDS_PER_REPORT),
    64: Size(192, REPORTS, 8, 4, SECONDS_PER_REPORT),
}
"""By workers, two rounds of trials that search and one of replicates. One worker gets the smallest study there is."""
OBJECT_STORE_BYTES = 200 * 2**20
WRITER = "ass_tune.tracker.writer_process"


@dataclass(frozen=True)
class Training:
    """One trial, all in seconds since the epoch."""

    handed_out: float
    reports: tuple[float, ...]
    """When each was measured."""

    def begun(self, seconds_per_report: float) -> float:
        """When it began to train."""
        return self.reports[0] - seconds_per_report


@dataclass
class Idle:
    """Time of workers in which they trained nothing, as shares of all their time."""

    starts: float = 0.0
    """Until the first trial of a worker trains: its process has to start, beside those of all others."""
    reports: float = 0.0
    """From a report to the training that follows it, which is when the driver decides."""
    trials: float = 0.0
    """From when a worker is given a further trial until that trains."""
    choices: float = 0.0
    """From the end of a trial until the worker is given the next one: replicates wait for the end of a search."""
    last_round: float = 0.0
    """From a worker's last trial to the end of the study's last one."""

    @property
    def all(self) -> float:
        """Their sum."""
        return self.starts + self.reports + self.trials + self.choices + self.last_round


def idle_shares(trainings: Sequence[Training], workers: int, seconds_per_report: float) -> Idle:
    """What workers waited for, from when the first trial was handed out to the end of the last one.

    Args:
        trainings: of a study, at least as many as workers.
        workers: how many trials could train at once. A trial goes to the one that is free for longest.
        seconds_per_report: in which a trial trains.
    """
    begin, end = min(each.handed_out for each in trainings), max(each.reports[-1] for each in trainings)
    idle = Idle()
    ended: list[float] = []
    for number, each in enumerate(sorted(trainings, key=lambda training: training.handed_out)):
        begun = each.begun(seconds_per_report)
        if number < workers:
            idle.starts += begun - begin
        else:
            idle.choices += each.handed_out - heapq.heappop(ended)
            idle.trials += begun - each.handed_out
        idle.reports += each.reports[-1] - begun - seconds_per_report * len(each.reports)
        heapq.heappush(ended, each.reports[-1])
    idle.last_round = sum(end - each for each in ended)
    return Idle(*(seconds / (workers * (end - begin)) for seconds in vars(idle).values()))


def trainings_in(outbox: Path) -> list[Training]:
    """The trials of a study that has ended, as its records have them."""
    handed_out: dict[str, float] = {}
    reports: dict[str, dict[int, float]] = defaultdict(dict)
    with outbox.open("rb") as file:
        for record in records_in(file, str(outbox)):
            if isinstance(record, RunStarted) and record.key != STUDY_KEY:
                handed_out[record.key] = record.time
            elif isinstance(record, Metrics) and record.key in handed_out:
                reports[record.key].setdefault(record.step, record.time)
    return [Training(at, tuple(reports[key].values())) for key, at in handed_out.items()]


@dataclass
class Work:
    """Seconds of a CPU that the driver has used by now, and those of the process that writes to MLflow."""

    times: list[float] = field(default_factory=list)
    driver: list[float] = field(default_factory=list)
    writer: list[float] = field(default_factory=list)
    _process: psutil.Process | None = None

    def take(self, driver: subprocess.Popen[bytes]) -> None:
        """Look once, while it runs."""
        try:
            process = psutil.Process(driver.pid)
            if self._process is None:
                children = process.children()
                self._process = next((child for child in children if WRITER in " ".join(child.cmdline())), None)
            seconds = [0.0 if each is None else sum(each.cpu_times()[:2]) for each in (process, self._process)]
        except psutil.Error:
            return
        self.times.append(time.time())
        self.driver.append(seconds[0])
        self.writer.append(seconds[1])

    def between(self, begin: float, end: float) -> tuple[float, float]:
        """Seconds of the driver and of its writer between two times."""
        used = [np.interp([begin, end], self.times, each) for each in (self.driver, self.writer)]
        return float(used[0][1] - used[0][0]), float(used[1][1] - used[1][0])


@dataclass(frozen=True)
class Found:
    """How a study with so many workers went."""

    trainings: list[Training]
    idle: Idle
    seconds: float
    """From the first trial that was handed out to the end of the last one."""
    driver: float
    """Seconds of a CPU in that time."""
    writer: float


def study_with(workers: int, size: Size) -> Found:
    """Run a study of ours on a Ray of its own that has so many CPUs. Raises StudyFailed."""
    resources = {"CPU": workers, "object_store_memory": OBJECT_STORE_BYTES}
    with new_folder() as folder:
        work = Work()
        environment = {"RAY_OVERRIDE_RESOURCES": json.dumps(resources)}
        recorded(ours(folder, size), folder, size, work.take, environment)
        trainings = trainings_in(folder / STUDY / OUTBOX)
    begin, end = min(each.handed_out for each in trainings), max(each.reports[-1] for each in trainings)
    idle = idle_shares(trainings, workers, size.seconds_per_report)
    return Found(trainings, idle, end - begin, *work.between(begin, end))
