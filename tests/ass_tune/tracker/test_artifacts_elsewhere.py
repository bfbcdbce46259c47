"""Artifacts of an MLflow without a server: on this disk, or on an object store where somebody asks for that."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from ass_tune.tracker.store import MlflowStore, mlflow_store, usable_store
from ass_tune.tracker.tracker import Tracker
from tests.support.object_store import ObjectStore
from trainables.mistakes import UserMistake
from trainables.storage import Storage

VARIABLE = "MLFLOW_DEFAULT_ARTIFACT_ROOT"
Open = Callable[..., Tracker]


def test_a_database_that_was_named_has_its_artifacts_where_mlflows_variable_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv(VARIABLE, "s3://bucket/mlflow/")
    named = mlflow_store(tmp_path, "postgresql://db/x")
    assert named.artifacts_of("a study") == "s3://bucket/mlflow/a%20study"
    served = mlflow_store(tmp_path, "http://127.0.0.1:5000")
    assert served.artifacts_of("a study") is None, "the server decides"
    beside_the_studies = mlflow_store(tmp_path)
    assert beside_the_studies.artifacts_of("demo") == f"{tmp_path.resolve().as_uri()}/mlartifacts/demo"
    monkeypatch.setenv(VARIABLE, str(tmp_path / "artifacts"))
    assert mlflow_store(tmp_path, "postgresql://db/x").artifact_root == tmp_path.resolve() / "artifacts"


def test_that_mlflow_cannot_write_to_s3_is_said_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "s3://ann:s3cret@bucket/mlflow")
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(UserMistake, match=r"is s3://\*\*\*@bucket/mlflow, .*pip install 'ass-tune\[s3\]'"):
        usable_store(tmp_path, f"sqlite:///{tmp_path}/team.db")
    usable_store(tmp_path)


def recorded(tracker: Tracker, folder: Path) -> None:
    Storage(str(folder)).write_bytes("tables/final.md", b"| a |")
    tracker.start({}, {})
    tracker.study_file("tables/final.md", "tables")
    tracker.end()
    assert tracker.close(120) == 0
    assert tracker.set_aside == 0


def found(uri: str) -> tuple[str, bytes]:
    """Where the study's run has its artifacts, and one of them as MLflow gives it to whoever asks."""
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("demo")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.artifact_uri is not None
    return run.info.artifact_uri, Path(client.download_artifacts(run.info.run_id, "tables/final.md")).read_bytes()


@pytest.mark.parametrize("apart", [False, True])
def test_artifacts_go_to_an_object_store_without_a_server(
    store: MlflowStore,
    open_tracker: Open,
    folder: Path,
    tmp_path: Path,
    object_store: ObjectStore,
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
    apart: bool,
) -> None:
    named = tmp_path / "team.db"
    (tmp_path / "mlflow.db").rename(named)
    monkeypatch.setenv(VARIABLE, f"s3://{bucket}/mlflow")
    recorded(open_tracker(usable_store(tmp_path, f"sqlite:///{named}"), apart=apart), folder)
    place, content = found(f"sqlite:///{named}")
    assert place.startswith(f"s3://{bucket}/mlflow/demo/")
    assert content == b"| a |"
    assert len([key for key in object_store.keys(bucket) if key.endswith("/artifacts/tables/final.md")]) == 1
    assert not (tmp_path / "mlartifacts").exists()


def test_an_experiment_that_somebody_made_keeps_its_place_for_artifacts(
    store: MlflowStore, open_tracker: Open, folder: Path, tmp_path: Path, bucket: str
) -> None:
    MlflowClient(store.uri).create_experiment("demo", artifact_location=f"s3://{bucket}/by-hand")
    recorded(open_tracker(), folder)
    place, content = found(store.uri)
    assert place.startswith(f"s3://{bucket}/by-hand/")
    assert content == b"| a |"
    assert not (tmp_path / "mlartifacts").exists()
