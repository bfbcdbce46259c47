"""Where a study was recorded is where its leftovers go."""

from __future__ import annotations

from pathlib import Path

import pytest

from ass_tune.tracker.destination import remember_store, remembered_store, study_identity
from ass_tune.tracker.store import mlflow_store, usable_store
from trainables.mistakes import UserMistake
from trainables.storage import Storage

SERVER = "http://mlflow.lab:5000"
SECRET = "http://ann:s3cret@mlflow.lab:5000"


@pytest.fixture(autouse=True)
def no_uri_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture
def studies(tmp_path: Path) -> Path:
    return tmp_path / "studies"


@pytest.fixture
def folder(studies: Path) -> Storage:
    return Storage(str(studies / "demo"))


def test_a_study_keeps_the_name_it_drew(folder: Storage, studies: Path):
    assert study_identity(folder) == study_identity(folder)
    assert study_identity(folder) != study_identity(Storage(str(studies / "other")))


@pytest.mark.parametrize("uri", [SERVER, None])
def test_leftovers_go_where_the_study_was_recorded(folder: Storage, studies: Path, uri: str | None):
    store = mlflow_store(studies, uri)
    remember_store(folder, studies, store)
    assert remembered_store(folder, studies, None) == store


def test_the_default_moves_with_the_studies(folder: Storage, studies: Path, tmp_path: Path):
    remember_store(folder, studies, mlflow_store(studies))
    studies.rename(tmp_path / "moved")
    moved = Storage(str(tmp_path / "moved/demo"))
    assert remembered_store(moved, tmp_path / "moved", None) == mlflow_store(tmp_path / "moved")


def test_what_the_command_line_says_stands(folder: Storage, studies: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://elsewhere:5000")
    remember_store(folder, studies, mlflow_store(studies, SERVER))
    assert remembered_store(folder, studies, "http://third:5000").uri == "http://third:5000"


def test_an_environment_that_means_another_mlflow_is_one_clear_error(
    folder: Storage, studies: Path, monkeypatch: pytest.MonkeyPatch
):
    remember_store(folder, studies, mlflow_store(studies, SERVER))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://bob:pa55@elsewhere:5000")
    with pytest.raises(UserMistake) as mistake:
        remembered_store(folder, studies, None)
    assert str(mistake.value) == (
        f"the study was recorded in {SERVER} and $MLFLOW_TRACKING_URI is http://***@elsewhere:5000: "
        "say with --tracking-uri which of them is meant"
    )


def test_credentials_are_not_remembered_but_asked_for(folder: Storage, studies: Path, monkeypatch: pytest.MonkeyPatch):
    remember_store(folder, studies, mlflow_store(studies, SECRET))
    assert all(b"s3cret" not in path.read_bytes() for path in (studies / "demo").iterdir())
    with pytest.raises(UserMistake, match=r"recorded in http://\*\*\*@mlflow.lab:5000, whose credentials are kept"):
        remembered_store(folder, studies, None)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", SECRET)
    assert remembered_store(folder, studies, None).uri == SECRET


@pytest.mark.parametrize(
    ("ledger", "tracking"),
    [
        ("sqlite:///{folder}/x.db", "sqlite:///{folder}/../{name}/x.db"),
        ("postgresql://ann:s3cret@db/x", "postgresql+psycopg://bob:0ther@db:5432/x"),
    ],
)
def test_ledger_and_mlflow_in_one_database_are_refused(tmp_path: Path, ledger: str, tracking: str) -> None:
    ledger, tracking = (uri.format(folder=tmp_path, name=tmp_path.name) for uri in (ledger, tracking))
    with pytest.raises(UserMistake, match=r"ledger and MLflow have the same database, .*; allowed: two") as refused:
        usable_store(tmp_path, tracking, ledger)
    assert "s3cret" not in str(refused.value)
    usable_store(tmp_path, tracking.replace("x.db", "y.db").replace("5432/x", "5432/y"), ledger)
    usable_store(tmp_path, "http://localhost:5000", ledger)
