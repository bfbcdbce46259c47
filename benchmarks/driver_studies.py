"""Studies of empty trials, each in a driver of its own: ours, and the usual one of Ray Tune and MLflow."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from analysis.experiments import prepare_mlflow
from ass_tune.tracker.recorder import Recorder
from ass_tune.tracker.store import mlflow_store
from benchmarks.command_line import PROJECT
from trainables.storage import Storage

METRICS = 25
"""Numbers of a report: those of the curves, and further ones."""
OF_CURVES = 5
LEVELS = ("joint", "ga")
STUDY = "empty"
FIRST_METRIC = "select/miou"
"""Both drivers record it at every report."""
PAUSE = 0.25
"""Seconds between two looks at MLflow's database."""


@dataclass(frozen=True)
class Size:
    """How much a study does."""

    trials: int
    reports: int
    budgets: int = 2
    """Levels of the second factor; a study of ours has two cells for each."""
    seeds: int = 1
    """Replicates of each cell in a study of ours."""
    seconds_per_report: float = 0.0
    """How long trials of a study of ours sleep before each."""


@dataclass
class Recorded:
    """What was found in MLflow once all of it was there."""

    seconds: float
    """From the first report until the database had the last value and the end of the last trial."""
    values: int


class StudyFailed(Exception):
    """A driver ended before MLflow had everything; the message has what it printed."""


def ours(folder: Path, size: Size, *options: str) -> list[str]:
    """The command of a study of ours: tuning by TPE, a pruner that is asked and stops nothing, and replicates."""
    cells = len(LEVELS) * size.budgets
    file = folder / f"{STUDY}.yaml"
    content = {
        "study": STUDY,
        "trainable": "curves",
        "domains": "synthetic",
        "profile": "synthetic",
        "baseline": {"adaptor": LEVELS[0]},
        "ablate": {"adaptor": list(LEVELS), "labeled_images": [5 * number for number in range(1, size.budgets + 1)]},
        "tune": {"lr": {"type": "log_uniform", "low": 0.01, "high": 0.1}},
        "search": {"sampler": "tpe", "trials_per_cell": size.trials // cells - size.seeds},
        "prune": {"pruner": "median", "start": 0.5, "startup_trials": 10 * size.trials},
        "replicate": {"seeds": [*range(size.seeds)]},
        "train": {"iterations": size.reports, "evaluate_every": 1},
        "fixed": {"further_metrics": METRICS - OF_CURVES, "seconds_per_report": size.seconds_per_report},
    }
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    return [sys.executable, "-m", "ass_tune.run", str(file), "--studies", str(folder), "--no-report", *options]


def peer(folder: Path, size: Size) -> list[str]:
    """The command of the usual study of as many trials."""
    numbers = [str(size.trials), str(size.reports), str(size.budgets)]
    return [sys.executable, "-m", "benchmarks.driver_peer", f"sqlite:///{folder / 'mlflow.db'}", str(folder), *numbers]


@contextmanager
def new_folder() -> Iterator[Path]:
    """A folder with an MLflow database that has its tables: to make them takes seconds."""
    with TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        shutil.copy(_migrated(), folder / "mlflow.db")
        yield folder


_template: list[TemporaryDirectory[str]] = []


def _migrated() -> Path:
    if not _template:
        _template.append(TemporaryDirectory(prefix="benchmark-"))
        folder = Path(_template[0].name)
        prepare_mlflow(retries=0, logging_level="CRITICAL")
        store = mlflow_store(folder, f"sqlite:///{folder / 'mlflow.db'}")
        Recorder(store, "template", "", Storage(str(folder))).connect()
    return Path(_template[0].name) / "mlflow.db"


Watch = Callable[["subprocess.Popen[bytes]"], object]


def recorded(
    command: list[str],
    folder: Path,
    size: Size,
    watch: Watch = lambda driver: None,
    variables: Mapping[str, str] | None = None,
) -> Recorded:
    """Run a driver until MLflow has every value of all its trials, and then until it ends.

    Args:
        command: of the driver.
        folder: where its MLflow database is.
        size: of the study.
        watch: is called with the driver at every look.
        variables: of the driver's environment, beside ours.

    Raises StudyFailed.
    """
    output = folder / "output.txt"
    environment = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    environment |= variables or {}
    with output.open("wb") as file:
        driver = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, cwd=PROJECT, env=environment)
    try:
        while not _is_complete(folder / "mlflow.db", size):
            if driver.poll() is not None and not _is_complete(folder / "mlflow.db", size):
                printed = output.read_text()
                about = printed[max(0, printed.find("Traceback")) :][:3000]
                raise StudyFailed(f"exit code {driver.returncode}: {about}\n...\n{printed[-1000:]}")
            watch(driver)
            time.sleep(PAUSE)
        complete = time.time()
        driver.wait()
    finally:
        driver.kill()
        driver.wait()
    first, values = _contents(folder / "mlflow.db")
    least = size.trials * size.reports * METRICS
    if values < least:
        raise StudyFailed(f"MLflow has {values} values; expected at least {least}")
    return Recorded(complete - first, values)


def _is_complete(database: Path, size: Size) -> bool:
    """Whether the runs of all trials have ended: their ends are recorded after everything else."""
    (ended,) = _asked(database, "SELECT count(*) FROM runs WHERE status = 'FINISHED'")
    return ended >= size.trials


def _contents(database: Path) -> tuple[float, int]:
    """When the first report was measured, in seconds since the epoch, and how many values there are."""
    (first,) = _asked(database, f"SELECT min(timestamp) FROM metrics WHERE key = '{FIRST_METRIC}'")
    (values,) = _asked(database, "SELECT count(*) FROM metrics")
    return first / 1000, values


def _asked(database: Path, query: str) -> tuple:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=60)) as connection:
        return connection.execute(query).fetchone()


@dataclass
class Samples:
    """The driver's memory and the number of trials that have ended, now and then while a study runs."""

    folder: Path
    bytes: list[int] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    _offset: int = 0
    _found: int = 0

    def take(self, driver: subprocess.Popen[bytes]) -> None:
        """Look once."""
        status = Path(f"/proc/{driver.pid}/statm")
        journal = self.folder / STUDY / "ledger.journal"
        if driver.poll() is not None or not journal.exists():
            return
        with journal.open("rb") as file:
            file.seek(self._offset)
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._offset += len(whole)
        self._found += whole.count(b'"datetime_complete"')
        self.ended.append(self._found)
        self.bytes.append(int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"))
