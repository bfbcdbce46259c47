"""The driver of a study: trials and reports a second with everything recorded, and what it costs a trial.

Parts, each alone with --only:
  trials    empty trials of 10 reports of 25 metrics, with search, ledger and MLflow (SQLite), until MLflow has it all,
            against Ray Tune with OptunaSearch, ASHA, MLflowLoggerCallback and reused actors
  reports   the same with trials of 100 reports, so that reports count and not the starts of trials
  overhead  24 short trainings of the method as a study, against a loop over the same trainings on the same cores
  many      10 000 trials (quick: 2 000): throughput at the end against the beginning, and memory a trial of the driver
  workers   idle share of 1, 4, 16 and 64 workers (quick: 1 and 4) whose trials sleep as long as short trainings take
  resume    how long a driver takes to go on with a ledger of 28 000 trials of 10 reports, against Optuna's own reading
The drivers run one after the other, each in a process of its own, and --quick takes minutes, too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.command_line import PROJECT, Result, Timing, figures_table, ratio, run_parts
from benchmarks.driver_ledger import write_ledger
from benchmarks.driver_overhead import seconds_of_loop, seconds_of_study
from benchmarks.driver_studies import METRICS, STUDY, Samples, Size, new_folder, ours, peer, recorded
from benchmarks.driver_workers import OF_WORKERS, REPORTS, SECONDS_PER_REPORT, study_with

OURS, PEER = "ours", "Ray Tune, OptunaSearch, ASHA, MLflow's callback"
ROUNDS, QUICK_ROUNDS = 3, 1
OF_TRIALS = {OURS: Size(400, 10), PEER: Size(24, 10)}
"""The peer does a trial in two seconds; it gets so few that a round takes a minute."""
OF_REPORTS = {OURS: Size(40, 100), PEER: Size(4, 100)}
MANY, QUICK_MANY = Size(10_000, 10, budgets=10), Size(2_000, 10, budgets=10)
OVERHEAD_TRIALS, OVERHEAD_ITERATIONS = 24, 100
LEDGER_TRIALS, LEDGER_REPORTS = 28_000, 10
QUICK_WORKERS = (1, 4)
END = 0.2
"""Share of the trials that counts as the beginning of a study, and as its end."""


def rates(sizes: Mapping[str, Size], rounds: int) -> dict[str, Timing]:
    """Seconds of the whole work of each driver, in turn."""
    commands: dict[str, Callable[[Path, Size], list[str]]] = {OURS: ours, PEER: peer}
    timings = {name: Timing() for name in sizes}
    for number in range(rounds):
        for name in list(sizes)[::-1] if number % 2 else list(sizes):
            with new_folder() as folder:
                command = commands[name](folder, sizes[name])
                timings[name].seconds.append(recorded(command, folder, sizes[name]).seconds)
    return timings


def measure_trials(quick: bool) -> Result:
    """Trials a second."""
    timings = rates(OF_TRIALS, QUICK_ROUNDS if quick else ROUNDS)
    each = {name: timing.per(OF_TRIALS[name].trials) for name, timing in timings.items()}
    found = ratio(each, PEER, OURS)
    table = figures_table(
        f"empty trials of {OF_TRIALS[OURS].reports} reports of {METRICS} metrics", "", "a trial", "a second"
    )
    for name, timing in each.items():
        table.add_row(name, str(timing), f"{1 / timing.median:.2f}")
    return Result([table, f"{found:.1f}x {load()}"], {"trials_ratio": found, "trials_per_s": 1 / each[OURS].median})


def measure_reports(quick: bool) -> Result:
    """Reports a second."""
    timings = rates(OF_REPORTS, QUICK_ROUNDS if quick else ROUNDS)
    each = {name: timing.per(OF_REPORTS[name].trials * OF_REPORTS[name].reports) for name, timing in timings.items()}
    found = ratio(each, PEER, OURS)
    title = f"reports of {METRICS} metrics of trials with {OF_REPORTS[OURS].reports} of them"
    table = figures_table(title, "", "a report", "a second")
    for name, timing in each.items():
        table.add_row(name, str(timing), f"{1 / timing.median:.1f}")
    figures = {"reports_ratio": found, "reports_per_s": 1 / each[OURS].median}
    return Result([table, f"{found:.1f}x {load()}"], figures)


def measure_overhead(quick: bool) -> Result:
    """The share of time that a study adds to its trainings."""
    timings = {"study": Timing(), "loop": Timing()}
    for _ in range(QUICK_ROUNDS if quick else ROUNDS):
        with TemporaryDirectory(prefix="benchmark-") as folder:
            seconds, configs = seconds_of_study(Path(folder), OVERHEAD_TRIALS, OVERHEAD_ITERATIONS)
            timings["study"].seconds.append(seconds)
            timings["loop"].seconds.append(seconds_of_loop(configs))
    share = median(a / b - 1 for a, b in zip(timings["study"].seconds, timings["loop"].seconds, strict=True))
    table = figures_table(f"{OVERHEAD_TRIALS} trainings of {OVERHEAD_ITERATIONS} iterations, one at a time", "", "all")
    for name, timing in timings.items():
        table.add_row(name, str(timing))
    return Result([table, f"the study takes {share:.1%} longer {load()}"], {"overhead": share})


def measure_many(quick: bool) -> Result:
    """Throughput and memory over a long study."""
    size = QUICK_MANY if quick else MANY
    with new_folder() as folder:
        samples = Samples(folder)
        recorded(ours(folder, size), folder, size, samples.take)
        late = late_over_early(ended_at(folder))
    each = bytes_per_trial(samples)
    table = figures_table(f"a study of {size.trials} empty trials", "", "")
    table.add_row("trials a second at the end over those at the beginning", f"{late:.2f}")
    table.add_row("memory of the driver a trial", f"{each / 1000:.1f} kB")
    return Result([table, load()], {"late_over_early_throughput": late, "bytes_per_trial": each})


def ended_at(folder: Path) -> np.ndarray:
    """When each trial ended, in seconds, as the ledger has it."""
    with (folder / STUDY / "ledger.journal").open(encoding="utf-8") as file:
        ends = [json.loads(line)["datetime_complete"] for line in file if '"datetime_complete"' in line]
    return np.sort(np.array(ends, dtype="datetime64[us]").astype(np.int64) / 1e6)


def late_over_early(ends: np.ndarray) -> float:
    """Trials a second in the last part of a study over those in the first part."""
    part = max(2, int(END * len(ends)))
    return float((ends[part - 1] - ends[0]) / (ends[-1] - ends[-part]))


def bytes_per_trial(samples: Samples) -> float:
    """By how much the driver's memory grows with a trial once it has found its size: the slope by least squares."""
    ended, used = np.array(samples.ended), np.array(samples.bytes)
    settled = ended >= END * ended[-1]
    return float(np.polyfit(ended[settled], used[settled], 1)[0])


def measure_workers(quick: bool) -> Result:
    """The share of workers' time in which they train nothing, and why."""
    figures: dict[str, float] = {}
    title = f"trials of {REPORTS} reports of {METRICS} metrics, each after {SECONDS_PER_REPORT:g} s of training"
    waits = ("starts", "reports", "trials", "choices", "last round")
    table = figures_table(title, "workers", "trials", "seconds", "idle", *waits, "driver's CPU", "MLflow's")
    for workers in QUICK_WORKERS if quick else OF_WORKERS:
        found = study_with(workers, OF_WORKERS[workers])
        shares = [f"{share:.1%}" for share in (found.idle.all, *vars(found.idle).values())]
        busy = [f"{seconds / found.seconds:.0%}" for seconds in (found.driver, found.writer)]
        table.add_row(str(workers), str(len(found.trainings)), f"{found.seconds:.0f}", *shares, *busy)
        figures[f"idle_share_{workers}"] = found.idle.all
    return Result([table, load()], figures)


def measure_resume(quick: bool) -> Result:
    """Seconds until a driver that goes on hands out its first trial."""
    timings = {OURS: Timing(), "Optuna's storage alone": Timing()}
    with TemporaryDirectory(prefix="benchmark-") as name:
        file = write_ledger(Path(name), LEDGER_TRIALS, LEDGER_REPORTS)
        command = [sys.executable, "-m", "benchmarks.driver_ledger", str(file)]
        for _ in range(QUICK_ROUNDS if quick else ROUNDS):
            done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=PROJECT)
            found = json.loads(done.stdout)
            timings[OURS].seconds.append(found["ours"])
            timings["Optuna's storage alone"].seconds.append(found["optuna"])
    table = figures_table(f"a ledger of {LEDGER_TRIALS} trials of {LEDGER_REPORTS} reports", "", "seconds")
    for name, timing in timings.items():
        table.add_row(name, str(timing))
    return Result([table, load()], {"resume_28k_s": timings[OURS].median})


def load() -> str:
    """What else the machine does, since figures in seconds depend on it."""
    return f"(load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)"


PARTS: dict[str, Callable[[bool], Result]] = {
    "trials": measure_trials,
    "reports": measure_reports,
    "overhead": measure_overhead,
    "many": measure_many,
    "workers": measure_workers,
    "resume": measure_resume,
}

if __name__ == "__main__":
    sys.exit(run_parts("driver", __doc__, PARTS))
