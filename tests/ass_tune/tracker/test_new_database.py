"""MLflow's database that is not there yet: a process that is killed while it makes one leaves none or a whole one."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from ass_tune.tracker import new_database
from ass_tune.tracker.new_database import check_finished, make_database
from ass_tune.tracker.store import MlflowStore
from ass_tune.tracker.tracker import Tracker
from tests.support.mlflow_server import wait_until
from tests.support.project import PROJECT

KILLED = """
import os, signal, sys, time
from pathlib import Path
from ass_tune.tracker.recorder import Recorder
from ass_tune.tracker.store import MlflowStore
from trainables.storage import Storage
import mlflow.store.tracking.sqlalchemy_store

def connect(folder):
    store = MlflowStore(f"sqlite:///{folder / 'mlflow.db'}", folder / "mlartifacts")
    Recorder(store, "study", "study", Storage(str(folder))).connect()

begun = time.perf_counter()
connect(Path(sys.argv[1]) / "whole")
takes = time.perf_counter() - begun
for share in (0.2, 0.4, 0.6, 0.8, 2):
    folder = Path(sys.argv[1]) / str(share)
    if (process := os.fork()) == 0:
        connect(folder)
        os._exit(0)
    time.sleep(takes * share)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    print(share, (folder / "mlflow.db").exists())
    if (folder / "mlflow.db").exists():
        connect(folder)
"""


@pytest.fixture
def unfinished(migrated: Path, tmp_path: Path) -> Path:
    """A database as MLflow leaves it when it is killed: some tables, and no version that knows them."""
    file = tmp_path / "unfinished.db"
    shutil.copy(migrated, file)
    with closing(sqlite3.connect(file)) as database:
        database.executescript("DELETE FROM experiments; DROP TABLE alembic_version; DROP TABLE trace_info")
    return file


def test_whoever_is_killed_while_it_is_made_leaves_none_or_a_whole_one(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    first, *_, last = done.stdout.splitlines()
    assert (first, last) == ("0.2 False", "2 True")


def test_the_database_of_a_study_that_was_faster_stays(
    tmp_path: Path, migrated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "studies" / "mlflow.db"

    def meanwhile() -> bytes:
        file.parent.mkdir()
        shutil.copy(migrated, file)
        return b"ours"

    monkeypatch.setattr(new_database, "_tables", meanwhile)
    make_database(file)
    assert file.read_bytes() == migrated.read_bytes()
    assert [path.name for path in file.parent.iterdir()] == ["mlflow.db"]


def test_one_that_was_left_unfinished_is_named_and_records_wait_until_it_is_removed(
    unfinished: Path, open_tracker: Callable[..., Tracker]
) -> None:
    tracker = open_tracker(MlflowStore(f"sqlite:///{unfinished}", unfinished.parent / "mlartifacts"))
    tracker.start({}, {})
    wait_until(lambda: tracker.trouble is not None)
    assert tracker.trouble == (
        f"UnfinishedDatabase: {unfinished} has no experiment and not all tables, since the process that made it was "
        "killed: remove it"
    )
    unfinished.unlink()
    assert tracker.close(60) == 1
    # this process has a connection to the removed file under its first name, as the next start of a study has not
    again = open_tracker(
        MlflowStore(f"sqlite:///{unfinished.parent}/./unfinished.db", unfinished.parent / "mlartifacts")
    )
    assert again.close(240) == 0
    check_finished(unfinished)
