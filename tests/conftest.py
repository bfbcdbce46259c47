from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import optuna
import pytest
from mlflow.entities import Run
from mlflow.tracking import MlflowClient
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial

from analysis.experiments import prepare_mlflow
from ass_tune.tracker.recorder import Recorder
from ass_tune.tracker.store import MlflowStore
from trainables.storage import Storage

PROJECT = Path(__file__).parent.parent
# a shell starts what runs in the background with Ctrl-C ignored, which every process below would inherit
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Packed data and step times of this test session, none from before it."""
    folder = tmp_path_factory.mktemp("cache")
    before = os.environ.get("ASS_CACHE")
    os.environ["ASS_CACHE"] = str(folder)
    yield folder
    if before is None:
        del os.environ["ASS_CACHE"]
    else:
        os.environ["ASS_CACHE"] = before


@pytest.fixture(autouse=True)
def no_secret_of_another_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process masks the passwords it was given for good; here each test is a process of its own."""
    monkeypatch.setattr("trainables.credentials._kept", set())


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of the real data sets; skips where there is none."""
    folder = Path(os.environ.get("ASS_DATA_ROOT", PROJECT.parent / "shared" / "data"))
    if not (folder / "camvid").is_dir():
        pytest.skip("real data: neither ASS_DATA_ROOT nor ../shared/data has the folder camvid")
    return folder.resolve()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database fresh from its migrations, which take seconds."""
    prepare_mlflow(retries=0, logging_level="CRITICAL")
    folder = tmp_path_factory.mktemp("migrated")
    store = MlflowStore(f"sqlite:///{folder / 'mlflow.db'}", folder / "mlartifacts")
    Recorder(store, "template", "template", Storage(str(folder))).connect()
    return folder / "mlflow.db"


@dataclass(frozen=True)
class Studies:
    """A folder of studies and what its ledgers and its MLflow hold."""

    folder: Path
    options: ClassVar[tuple[str, ...]] = ("--no-report",)
    """A report costs seconds that only its own tests are worth."""

    def command(self, file: Path | str, *arguments: str) -> list[str]:
        studies = ["--studies", str(self.folder), *self.options]
        return [sys.executable, "-m", "ass_tune.run", str(file), *studies, *arguments]

    def run(self, file: Path | str, *arguments: str, timeout: float = 280) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
        return subprocess.run(
            self.command(file, *arguments),
            capture_output=True,
            text=True,
            timeout=timeout,
            cwd=PROJECT,
            env=environment,
            check=False,
        )

    def ledger(self, study: str) -> dict[str, list[FrozenTrial]]:
        """Trials by Optuna study, of which each cell has one for tuning and one for replicates."""
        storage = JournalStorage(JournalFileBackend(str(self.folder / study / "ledger.journal")))
        names = optuna.get_all_study_names(storage)
        return {name: optuna.load_study(study_name=name, storage=storage).trials for name in names}

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(f"sqlite:///{self.folder / 'mlflow.db'}")

    def runs(self, study: str) -> list[Run]:
        """The runs of trials, without the study's parent run."""
        experiment = self.client.get_experiment_by_name(study)
        assert experiment is not None
        runs = self.client.search_runs([experiment.experiment_id], max_results=5000)
        return [run for run in runs if run.data.tags["stage"] != "study"]


@pytest.fixture
def studies(tmp_path: Path, migrated: Path) -> Studies:
    folder = tmp_path / "studies"
    folder.mkdir()
    shutil.copy(migrated, folder / "mlflow.db")
    return Studies(folder)


@pytest.fixture
def write_file(tmp_path: Path) -> Callable[[str], Path]:
    """Write a search-space file."""

    def write(text: str) -> Path:
        path = tmp_path / "search_space.yaml"
        path.write_text(text)
        return path

    return write
