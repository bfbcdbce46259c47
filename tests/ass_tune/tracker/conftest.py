from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from ass_tune.tracker.store import MlflowStore, mlflow_store
from ass_tune.tracker.tracker import Tracker
from ass_tune.tracker.writer import Patience
from ass_tune.trial import End, Report, Trial
from trainables.words import Cell, Outcome, Stage

IMPATIENT = Patience(gathering=0.2, first_pause=0.05, longest_pause=0.2, tries=2, tries_at_close=2)


@pytest.fixture
def store(tmp_path: Path, migrated: Path, monkeypatch: pytest.MonkeyPatch) -> MlflowStore:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copy(migrated, tmp_path / "mlflow.db")
    return mlflow_store(tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "demo"


@pytest.fixture
def open_tracker(store: MlflowStore, folder: Path) -> Callable[..., Tracker]:
    def make(store: MlflowStore = store, **how: object) -> Tracker:
        return Tracker("demo", folder, store, **{"patience": IMPATIENT, **how})  # type: ignore[arg-type]

    return make


@pytest.fixture
def make_trial() -> Callable[..., Trial]:
    def make(key: str = "a" * 16, number: int = 3, adaptor: str = "ga+csa", labels: int = 50) -> Trial:
        cell = Cell((("adaptor", adaptor), ("labeled_images", labels)))
        config = {
            "adaptor": adaptor,
            "labeled_images": labels,
            "lr": 2.5e-4,
            "lambda_sadv": 0.1,
            "gd_channels": [64, 1],
        }
        return Trial(key, cell, Stage.TUNING, number, 7, {"lambda_sadv": 0.1}, config)

    return make


@pytest.fixture
def make_report() -> Callable[..., Report]:
    def make(iteration: int, seconds: float = 0.0, **metrics: float) -> Report:
        values = {
            "select/miou": iteration / 3,
            "select/iou/traffic sign": iteration / 7,
            "loss/total": 1 / (iteration + 1),
        }
        return Report(iteration, {**values, **metrics}, 1_700_000_000.0 + iteration + seconds)

    return make


@pytest.fixture
def finished() -> End:
    return End(Outcome.FINISHED, 30, 1_700_000_040.0, {"report/miou": 47.11})


class Archive:
    """What MLflow has of a study, asked as anybody would."""

    def __init__(self, store: MlflowStore, study: str = "demo") -> None:
        self.client = MlflowClient(tracking_uri=store.uri)
        experiment = self.client.get_experiment_by_name(study)
        assert experiment is not None
        self.experiment = experiment

    def runs(self, outcome: str | None = None) -> list[Run]:
        """Runs of the experiment, oldest first; those of one outcome where it is given."""
        matching = "" if outcome is None else f"tags.outcome = '{outcome}'"
        return list(self.client.search_runs([self.experiment.experiment_id], matching, order_by=["start_time ASC"]))

    def run(self, key: str) -> Run:
        """The one run of a key."""
        (run,) = [run for run in self.runs() if run.data.tags.get("key", run.data.tags["ass_tune.key"]) == key]
        return run

    def points(self, key: str, metric: str) -> list[tuple[int, float]]:
        """Step and value of every point of a metric."""
        return [(m.step, m.value) for m in self.client.get_metric_history(self.run(key).info.run_id, metric)]

    def artifacts(self, key: str, folder: str | None = None) -> list[str]:
        """Paths of a run's artifacts."""
        return [info.path for info in self.client.list_artifacts(self.run(key).info.run_id, folder)]


@pytest.fixture
def archive(store: MlflowStore) -> Callable[..., Archive]:
    def look(store: MlflowStore = store) -> Archive:
        return Archive(store)

    return look
