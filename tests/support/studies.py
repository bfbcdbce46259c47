"""Whole studies: how tests run them and read what they leave."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import ClassVar
from unittest.mock import patch

import optuna
from mlflow.entities import Run
from mlflow.tracking import MlflowClient
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial

from ass_tune.run import main
from tests.support.cluster import Cluster
from tests.support.project import PROJECT
from trainables.mistakes import ExitCode

Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Studies:
    """A folder of studies and what its ledgers and its MLflow hold."""

    folder: Path
    cluster: Cluster = field(default_factory=Cluster)
    """Where `run` runs them."""
    options: ClassVar[tuple[str, ...]] = ("--no-report",)
    """A report costs seconds that only its own tests are worth."""

    def command(self, file: Path | str, *arguments: str) -> list[str]:
        """A driver in a process of its own, with a Ray of its own."""
        return [sys.executable, "-m", "ass_tune.run", *self._arguments(file, arguments)]

    def _arguments(self, file: Path | str, arguments: tuple[str, ...]) -> list[str]:
        return [str(file), "--studies", str(self.folder), *self.options, *arguments]

    def run(self, file: Path | str, *arguments: str) -> Done:
        """Run a study by the command line's own function, in this process and on the shared cluster."""
        out, err = StringIO(), StringIO()
        looks = {"--plan", "--status"} & set(arguments)
        where = () if looks else ("--address", self.cluster.address)
        # this process has imported MLflow, and each of its many small studies would wait for another one to do so
        thread = patch("ass_tune.tracker.opening.APART", False)
        with thread, patch.dict(os.environ), chdir(PROJECT), redirect_stdout(out), redirect_stderr(err):
            os.environ.pop("MLFLOW_TRACKING_URI", None)
            try:
                code = int(main(self._arguments(file, (*arguments, *where))))
            except SystemExit as wrong_arguments:
                code = int(wrong_arguments.code or 0)
        if code == ExitCode.INTERRUPTED:  # somebody wants the tests to end
            raise KeyboardInterrupt
        return Done([str(file), *arguments], code, out.getvalue(), err.getvalue())

    def run_alone(self, file: Path | str, *arguments: str, timeout: float = 580) -> Done:
        """Run a study in a process of its own, with a Ray of its own, as people do."""
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
        """MLflow's own client of the studies' database."""
        return MlflowClient(f"sqlite:///{self.folder / 'mlflow.db'}")

    def runs(self, study: str) -> list[Run]:
        """The runs of trials, without the study's parent run."""
        experiment = self.client.get_experiment_by_name(study)
        assert experiment is not None
        runs = self.client.search_runs([experiment.experiment_id], max_results=5000)
        return [run for run in runs if run.data.tags["stage"] != "study"]


def begin_studies(folder: Path, migrated: Path, cluster: Cluster) -> Studies:
    """A new folder of studies with an empty MLflow database."""
    folder.mkdir()
    shutil.copy(migrated, folder / "mlflow.db")
    return Studies(folder, cluster)
