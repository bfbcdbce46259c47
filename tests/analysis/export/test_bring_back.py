from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from mlflow.tracking import MlflowClient

from analysis.export.__main__ import main as export
from analysis.export.bring_back import import_study, main
from analysis.export.write import write_export
from analysis.load import load_study
from analysis.readers.export import experiment_tags
from analysis.records import PARENT_TAG
from analysis.study import Study
from analysis.trials_table import trials_table
from ass_tune.tracker.store import MlflowStore
from tests.analysis.conftest import Recorded
from tests.support.mlflow_server import free_port, mlflow_server, wait_until
from tests.support.project import PROJECT
from trainables.mistakes import UserMistake

UNFINISHED = "recorded (importing "


@pytest.fixture
def empty(tmp_path: Path, migrated: Path) -> str:
    """URI of an MLflow database without studies."""
    (tmp_path / "store").mkdir()
    shutil.copy(migrated, tmp_path / "store" / "mlflow.db")
    return f"sqlite:///{tmp_path / 'store' / 'mlflow.db'}"


@pytest.fixture(scope="module")
def few(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of the study's own run and three trials: faster to import."""
    study = load_study(exported)
    trials = study.trials.slice(0, 4)
    runs = set(trials["run"].to_pylist())
    reports = study.reports.filter(pa.array([run in runs for run in study.reports["run"].to_pylist()]))
    folder = tmp_path_factory.mktemp("few") / "recorded"
    write_export(replace(study, trials=trials, reports=reports), experiment_tags(exported), folder)
    return folder


def experiments(uri: str) -> list[str]:
    return [found.name for found in MlflowClient(uri).search_experiments() if found.name not in ("Default", "template")]


def assert_same(found: Study, study: Study) -> None:
    """Equal but for the identities of runs."""
    assert found.name == study.name
    now = dict(zip(study.trials["run"].to_pylist(), found.trials["run"].to_pylist(), strict=True))
    assert len(set(now.values()) | set(now)) == 2 * len(now)
    for was, row in zip(study.trials.to_pylist(), found.trials.to_pylist(), strict=True):
        tags = dict(was["tags"])
        if PARENT_TAG in tags:
            tags[PARENT_TAG] = now[tags[PARENT_TAG]]
        assert row == was | {"run": now[was["run"]], "tags": sorted(tags.items())}
    assert [now[run] for run in study.reports["run"].to_pylist()] == found.reports["run"].to_pylist()
    for name in ("metric", "iteration", "time"):
        assert found.reports[name].to_pylist() == study.reports[name].to_pylist()
    ours, theirs = (reports["value"].to_numpy().view(np.int64) for reports in (found.reports, study.reports))
    np.testing.assert_array_equal(ours, theirs)
    for run in now:
        assert found.files.paths(now[run]) == study.files.paths(run)
        for path in study.files.paths(run):
            assert found.files.read(now[run], path) == study.files.read(run, path)


def test_export_and_import_lose_nothing(
    recorded: Recorded, exported: Path, empty: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(exported), "--tracking-uri", empty]) == 0
    study = load_study(exported)
    assert f"found the same: 25 runs, {len(study.reports)} reported values" in capsys.readouterr().out
    assert_same(load_study("recorded", empty), study)
    experiment = MlflowClient(empty).get_experiment_by_name("recorded")
    assert experiment is not None
    assert experiment.tags == experiment_tags(exported)
    assert experiment.artifact_location == (tmp_path / "store" / "mlartifacts" / "recorded").as_uri()
    assert experiments(empty) == ["recorded"]

    again = tmp_path / "again"
    assert export(["recorded", "--tracking-uri", empty, "--out", str(again)]) == 0
    assert_same(load_study(again), study)


def test_infinities_become_what_mlflow_makes_of_them(few: Path, empty: str) -> None:
    study = load_study(few)
    values, largest = [float("inf"), float("-inf"), float("nan"), -0.0, 5e-324], sys.float_info.max
    reports = study.reports.slice(0, 5)
    study = replace(study, reports=reports.set_column(4, reports.schema.field("value"), pa.array(values)))
    import_study(study, {}, empty, None)
    found = load_study("recorded", empty).reports["value"].to_numpy()
    np.testing.assert_array_equal(found, [largest, -largest, float("nan"), 0.0, 5e-324])


def test_a_trial_that_still_runs_stays_one(few: Path, empty: str) -> None:
    study = load_study(few)
    rows = [row | {"params": dict(row["params"]), "tags": dict(row["tags"])} for row in study.trials.to_pylist()]
    rows[1] |= {"status": "RUNNING", "end": None}
    rows[2] |= {"status": "SCHEDULED", "end": None}
    rows[3] |= {"status": "RUNNING"}
    import_study(replace(study, trials=trials_table(rows)), {}, empty, None)
    found = load_study("recorded", empty).trials.to_pylist()
    assert [row["status"] for row in found] == ["FINISHED", "RUNNING", "SCHEDULED", "RUNNING"]
    assert [row["end"] for row in found[1:]] == [None, None, rows[3]["end"]]


def test_artifacts_go_where_the_user_says(few: Path, empty: str, tmp_path: Path) -> None:
    assert main([str(few), "--tracking-uri", empty, "--artifacts", str(tmp_path / "elsewhere")]) == 0
    assert len(list((tmp_path / "elsewhere" / "recorded").glob("*/artifacts/panel.png"))) == 3
    assert not (tmp_path / "store" / "mlartifacts").exists()


def test_an_export_of_the_table_alone_says_what_it_does_without(
    exported: Path, empty: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export([str(exported), "--out", str(tmp_path / "small"), "--only-table"]) == 0
    assert main([str(tmp_path / "small"), "--tracking-uri", empty]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("the export does without: artifacts of 12 trials")
    assert_same(load_study("recorded", empty), load_study(tmp_path / "small"))


def test_a_study_that_is_there_is_left_as_it_is(few: Path, empty: str, capsys: pytest.CaptureFixture[str]) -> None:
    client = MlflowClient(empty)
    identity = client.create_experiment("recorded")
    assert main([str(few), "--tracking-uri", empty]) == 2
    assert "has an experiment 'recorded' already" in capsys.readouterr().err
    assert client.search_runs([identity]) == []
    client.delete_experiment(identity)
    assert main([str(few), "--tracking-uri", empty]) == 2
    assert "has a deleted experiment 'recorded', which keeps its name" in capsys.readouterr().err
    assert experiments(empty) == []


def test_an_interrupted_import_leaves_no_study(
    few: Path, empty: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log, runs = MlflowClient.log_batch, []

    def interrupted(self: MlflowClient, run: str, *what: Any) -> None:
        runs.append(run)
        if len(runs) == 3:
            raise KeyboardInterrupt
        log(self, run, *what)

    monkeypatch.setattr(MlflowClient, "log_batch", interrupted)
    assert main([str(few), "--tracking-uri", empty]) == 130
    assert capsys.readouterr().err == "Interrupted: nothing was imported; run the same command again.\n"
    assert experiments(empty) == []
    with pytest.raises(UserMistake, match="no study 'recorded'"):
        load_study("recorded", empty)
    monkeypatch.undo()
    assert main([str(few), "--tracking-uri", empty]) == 0
    assert_same(load_study("recorded", empty), load_study(few))


def test_what_an_import_has_left_is_deleted_by_the_next_one(few: Path, empty: str) -> None:
    client, other = MlflowClient(empty), "recorded (importing by hand)"
    for name in (f"{UNFINISHED}{'0' * 32})", other):
        client.create_experiment(name)
    assert main([str(few), "--tracking-uri", empty]) == 0
    assert sorted(experiments(empty)) == ["recorded", other]


@pytest.mark.slow
@pytest.mark.chaos
def test_a_killed_import_leaves_no_study_and_the_next_one_clears_up(exported: Path, empty: str) -> None:
    command = [sys.executable, "-m", "analysis.import", str(exported), "--tracking-uri", empty]
    killed = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with sqlite3.connect(empty.removeprefix("sqlite:///")) as database:
        wait_until(lambda: database.execute("SELECT count(*) FROM runs").fetchone()[0] >= 6)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    (left,) = experiments(empty)
    assert left.startswith(UNFINISHED)
    with pytest.raises(UserMistake, match="no study 'recorded'"):
        load_study("recorded", empty)
    assert main([str(exported), "--tracking-uri", empty]) == 0
    assert experiments(empty) == ["recorded"]
    assert_same(load_study("recorded", empty), load_study(exported))


def test_what_mlflow_lost_is_noticed(
    few: Path, empty: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log, runs = MlflowClient.log_artifacts, []

    def forgetful(self: MlflowClient, run: str, folder: str) -> None:
        runs.append(run)
        if len(runs) == 3:
            (Path(folder) / "predictions.parquet").unlink()
        log(self, run, folder)

    monkeypatch.setattr(MlflowClient, "log_artifacts", forgetful)
    assert main([str(few), "--tracking-uri", empty]) == 2
    error = capsys.readouterr().err
    assert "study 'recorded' was not imported" in error
    assert "are panel.png, report_confusions.parquet" in error
    assert experiments(empty) == []


def test_an_artifact_never_leaves_its_run(few: Path, empty: str, tmp_path: Path) -> None:
    class Hostile:
        def paths(self, run: str) -> list[str]:
            return ["../../escaped"]

        def read(self, run: str, path: str) -> bytes:
            return b"x"

    with pytest.raises(UserMistake, match=r"'\.\./\.\./escaped', which leaves the run's folder"):
        import_study(replace(load_study(few), files=Hostile()), {}, empty, None)
    assert not list(tmp_path.rglob("escaped"))
    assert experiments(empty) == []


def test_what_is_no_export_is_told(empty: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), "--tracking-uri", empty]) == 2
    assert f"{tmp_path} holds no export: there is no trials.parquet in it" in capsys.readouterr().err


def test_a_server_decides_where_artifacts_go(few: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    uri = f"http://ann:s3cret@127.0.0.1:{free_port()}"
    assert main([str(few), "--tracking-uri", uri, "--artifacts", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "decides itself where artifacts go: --artifacts is for databases" in error
    assert "s3cret" not in error


def test_a_server_that_is_away_is_told(few: Path, capsys: pytest.CaptureFixture[str]) -> None:
    uri = f"http://ann:s3cret@127.0.0.1:{free_port()}"
    assert main([str(few), "--tracking-uri", uri]) == 2
    error = capsys.readouterr().err
    assert error.startswith("MLflow in http://***@127.0.0.1:")
    assert "Traceback" not in error
    assert "s3cret" not in error


@pytest.mark.slow
def test_a_server_takes_an_import_and_gives_the_same_export(few: Path, empty: str, tmp_path: Path) -> None:
    port = free_port()
    with mlflow_server(port, MlflowStore(empty), tmp_path / "served"):
        uri = f"http://127.0.0.1:{port}"
        assert main([str(few), "--tracking-uri", uri]) == 0
        assert_same(load_study("recorded", uri), load_study(few))
        assert export(["recorded", "--tracking-uri", uri, "--out", str(tmp_path / "again")]) == 0
    assert_same(load_study(tmp_path / "again"), load_study(few))
