from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.records import Metrics, RunEnded, RunStarted, encode
from ass_tune.tracker.outbox import Outbox, key_of
from ass_tune.tracker.recorder import Recorder
from ass_tune.tracker.store import MlflowStore
from ass_tune.tracker.tracker import Tracker
from ass_tune.tracker.writer import Patience, Writer
from ass_tune.trial import End, Trial
from tests.support.mlflow_server import free_port, mlflow_server, proxy, wait_until
from trainables.storage import Storage

Make = Callable[..., Any]


@pytest.fixture
def port() -> int:
    return free_port()


def test_server_that_is_away_then_broken_then_loses_answers_has_everything_once_at_the_end(
    open_tracker: Make, archive: Make, make_trial: Make, make_report: Make, store: MlflowStore, tmp_path: Path,
    folder: Path, finished: End, port: int
):  # fmt: skip
    """One that is killed and restarted is in test_server_faults.py."""
    trial, served, behind = make_trial(), MlflowStore(f"http://127.0.0.1:{port}"), free_port()
    Storage(str(folder)).write_bytes("panel.png", b"png")
    with mlflow_server(behind, store, tmp_path / "served"):
        with proxy(port, behind):
            tracker = open_tracker(served)
            tracker.start({}, {})
            tracker.trial_started(trial)
            tracker.trial_reported(trial, make_report(10))
            wait_until(lambda: tracker.waiting == 0)
        for iteration in range(20, 100, 10):
            tracker.trial_reported(trial, make_report(iteration))
        wait_until(lambda: tracker.trouble is not None)
        with proxy(port, behind) as front:
            front.refuses = True
            tracker.trial_reported(trial, make_report(100))
            wait_until(lambda: len(front.requests) >= 5)
            assert tracker.waiting == 9
            front.loses = ["runs/log-batch"]
            front.refuses = False
            tracker.study_file("panel.png", "figures")
            tracker.trial_ended(trial, finished)
            tracker.end()
            wait_until(lambda: tracker.waiting == 0)
            assert front.loses == []
            assert tracker.close(60) == 0
            assert archive(served).artifacts("study", "figures") == ["figures/panel.png"]
    seen = archive()
    assert seen.points(trial.key, "select/miou") == [(step, step / 3) for step in range(10, 110, 10)]
    assert {run.info.status for run in seen.runs()} == {"FINISHED"}
    assert len(seen.runs()) == 2
    assert tracker.trouble is None
    assert not (folder / "outbox.rejected.jsonl").exists()


def test_dead_server_delays_nothing_and_a_later_writer_delivers(
    open_tracker: Make, archive: Make, make_trial: Make, make_report: Make, finished: End, port: int
):
    tracker = open_tracker(MlflowStore(f"http://ann:s3cret@127.0.0.1:{port}"))
    tracker.start({}, {})
    tracker.trial_started(make_trial())
    for iteration in range(0, 30, 10):
        tracker.trial_reported(make_trial(), make_report(iteration))
    tracker.trial_ended(make_trial(), finished)
    tracker.end()
    assert tracker.close(30) == 10
    assert tracker.trouble is not None
    assert "s3cret" not in tracker.trouble
    assert open_tracker().close(60) == 0
    seen = archive()
    assert seen.points(make_trial().key, "select/miou") == [(step, step / 3) for step in range(0, 30, 10)]
    assert [run.info.status for run in seen.runs()] == ["FINISHED", "FINISHED"]


DRIVER = """
import sys, itertools, pathlib
from ass_tune.tracker.store import MlflowStore
from ass_tune.tracker.tracker import Tracker
from ass_tune.trial import Report, Trial
from trainables.words import Cell, Stage
tracker = Tracker("demo", pathlib.Path(sys.argv[1]), MlflowStore(sys.argv[2]))
cell = Cell((("adaptor", "ga+csa"), ("labeled_images", 50)))
trials = [Trial(key * 16, cell, Stage.TUNING, 0, 0, {}, {"lr": 0.1}) for key in "ab"]
tracker.start({}, {})
for trial in trials:
    tracker.trial_started(trial)
for iteration in itertools.count(1):
    for trial in trials:
        tracker.trial_reported(trial, Report(iteration, {"select/miou": iteration / 3}, 1_700_000_000.0 + iteration))
    sys.stdin.readline()
"""


def test_killed_driver_loses_and_repeats_nothing(
    open_tracker: Make,
    archive: Make,
    make_trial: Make,
    make_report: Make,
    store: MlflowStore,
    folder: Path,
    finished: End,
):
    command = [sys.executable, "-c", DRIVER, str(folder), store.uri]
    driver = subprocess.Popen(command, stdin=subprocess.PIPE, cwd=Path(__file__).parents[3])
    assert driver.stdin is not None
    wait_until(lambda: (folder / "outbox.confirmed").exists())  # Some have arrived, more follow.
    driver.stdin.write(b"\n" * 200)
    driver.stdin.flush()
    wait_until(lambda: (folder / "outbox.jsonl").read_bytes().count(b"\n") > 150)
    driver.kill()
    driver.wait()
    told = [
        json.loads(line)["record"] for line in (folder / "outbox.jsonl").read_bytes().splitlines(keepends=True)[:-1]
    ]
    last = max(record["step"] for record in told if record["kind"] == "metrics")
    tracker = open_tracker()
    tracker.start({}, {})
    trials: list[Trial] = [make_trial(key * 16) for key in "ab"]
    for trial in trials:
        tracker.trial_started(trial)
        for iteration in range(max(1, last - 20), last + 20):  # From the newest checkpoint, a while before the kill.
            tracker.trial_reported(trial, make_report(iteration, seconds=1000.0))
        tracker.trial_ended(trial, finished)
    tracker.end()
    assert tracker.close(60) == 0
    seen = archive()
    for trial in trials:
        assert seen.points(trial.key, "select/miou") == [(step, step / 3) for step in range(1, last + 20)]
    assert [run.info.status for run in seen.runs()] == ["FINISHED"] * 3


def test_record_that_mlflow_refuses_is_set_aside_and_blocks_nothing(archive: Make, store: MlflowStore, folder: Path):
    outbox = Outbox(folder)
    good = [Metrics("k", step, 1_700_000_000.0 + step, {"x": float(step)}) for step in range(20)]
    bad = Metrics("k", 99, 1_700_000_000.0, {"not permitted!": 1.0})
    for record in [
        RunStarted("k", "k", 1_700_000_000.0),
        *good[:10],
        bad,
        *good[10:],
        RunEnded("k", "FINISHED", 1_700_000_050.0),
    ]:
        outbox.append(encode(record))
    outbox.append('{"kind":"from a later version"}')
    assert Writer(outbox, Recorder(store, "demo", "demo", Storage(str(folder)))).close(60) == 0
    assert archive().points("k", "x") == [(step, float(step)) for step in range(20)]
    assert archive().run("k").info.status == "FINISHED"
    refused = [json.loads(line) for line in outbox.rejected_path.read_text().splitlines()]
    assert sorted(line["sequence"] for line in refused) == [12, 24]
    assert "not permitted!" in {line["sequence"]: line["error"] for line in refused}[12]


def test_artifact_that_cannot_be_stored_blocks_nothing(
    open_tracker: Make, archive: Make, make_trial: Make, make_report: Make, store: MlflowStore, folder: Path
):
    assert isinstance(store.artifact_root, Path)
    store.artifact_root.write_text("a file where artifacts should go")
    Storage(str(folder)).write_bytes("panel.png", b"png")
    tracker = open_tracker(patience=Patience(first_pause=0.01, tries=2))
    tracker.start({}, {})
    tracker.study_file("panel.png")
    tracker.study_file("missing.png")
    tracker.study_file("../outside.png")
    tracker.trial_started(make_trial())
    tracker.trial_reported(make_trial(), make_report(10))
    assert tracker.close(60) == 0
    assert archive().points(make_trial().key, "select/miou") == [(10, 10 / 3)]
    refused = (folder / "outbox.rejected.jsonl").read_text()
    assert all(name in refused for name in ("panel.png", "missing.png", "../outside.png"))


def test_everything_applied_a_second_time_changes_nothing(
    open_tracker: Make, archive: Make, make_trial: Make, make_report: Make, folder: Path, finished: End
):
    tracker = open_tracker()
    tracker.start({"trials": 1}, {})
    tracker.trial_started(make_trial())
    for iteration in (10, 20):
        tracker.trial_reported(make_trial(), make_report(iteration))
    tracker.trial_ended(make_trial(), finished)
    tracker.end()
    assert tracker.close(60) == 0

    def content() -> list[tuple[Any, ...]]:
        seen = archive()
        return [
            (run.info.run_id, run.info.status, run.info.end_time, run.data.params, run.data.tags, run.data.metrics,
             seen.points(run.data.tags.get("key", run.data.tags["ass_tune.key"]), "select/miou"))
            for run in seen.runs()
        ]  # fmt: skip

    before = content()
    (folder / "outbox.confirmed").unlink()
    again = open_tracker()
    assert again.close(60) == 0
    assert content() == before


def test_experiment_deleted_in_mlflow_is_restored_when_its_study_goes_on(
    open_tracker: Make, archive: Make, make_trial: Make
):
    first = open_tracker()
    first.start({}, {})
    assert first.close(60) == 0
    archive().client.delete_experiment(archive().experiment.experiment_id)
    second = open_tracker()
    second.start({}, {})
    second.trial_started(make_trial())
    assert second.close(60) == 0
    assert len(archive().runs()) == 2


def test_first_use_creates_the_database_without_anybody_waiting(tmp_path: Path, make_trial: Make, archive: Make):
    fresh = MlflowStore(f"sqlite:///{tmp_path / 'new' / 'mlflow.db'}", tmp_path / "new" / "mlartifacts")
    tracker = Tracker("demo", tmp_path / "new" / "demo", fresh)
    tracker.start({}, {})
    tracker.trial_started(make_trial())
    assert tracker.close(120) == 0
    assert len(archive(fresh).runs()) == 2
    assert not (Path.cwd() / "mlruns").exists()


def test_a_store_that_cannot_be_opened_keeps_every_record_waiting(
    open_tracker: Make, archive: Make, make_trial: Make, make_report: Make, folder: Path, finished: End
):
    """MLflow says of such an address that a parameter is invalid, as it does of a record that it refuses."""
    tracker = open_tracker(MlflowStore("localhost:5000"))
    tracker.start({}, {})
    tracker.trial_started(make_trial())
    tracker.trial_reported(make_trial(), make_report(10))
    tracker.trial_ended(make_trial(), finished)
    tracker.end()
    assert tracker.close(60) == 8
    assert tracker.set_aside == 0
    assert "localhost:5000" in str(tracker.trouble)
    assert open_tracker().close(60) == 0
    assert archive().points(make_trial().key, "select/miou") == [(10, 10 / 3)]


def test_a_server_that_refuses_everything_is_waited_for(
    open_tracker: Make, archive: Make, make_trial: Make, store: MlflowStore, tmp_path: Path, folder: Path, port: int
):
    """A proxy that lets reads pass and answers each write with 400, or an account that may only read."""
    behind = free_port()
    with mlflow_server(behind, store, tmp_path / "served"), proxy(port, behind) as front:
        first = open_tracker(MlflowStore(f"http://127.0.0.1:{port}"))
        first.start({}, {})
        wait_until(lambda: first.waiting == 0)
        front.refuses_writes = True
        first.trial_started(make_trial())
        wait_until(lambda: first.trouble is not None)
        assert first.close(60) == 1
        assert first.set_aside == 0
    assert open_tracker().close(60) == 0
    assert archive().run(make_trial().key).info.status == "RUNNING"


def test_what_was_set_aside_is_delivered_by_the_next_start_at_its_place(
    open_tracker: Make, archive: Make, make_trial: Make, make_report: Make, folder: Path, finished: End
):
    """As an older version left it: records in the middle of a run, and all of another, were given up."""
    trials: list[Trial] = [make_trial(key * 16) for key in "ab"]
    tracker = open_tracker()
    tracker.start({}, {})
    for trial in trials:
        tracker.trial_started(trial)
        for iteration in (10, 20, 30):
            tracker.trial_reported(trial, make_report(iteration))
        tracker.trial_ended(trial, finished)
    tracker.end()
    assert tracker.close(60) == 0
    outbox = Outbox(folder)
    lines = [line for line in outbox.of_runs({trial.run for trial in trials}, ()) if '"step":20' in line.body]
    lines += [line for line in outbox.of_runs({trials[1].run}, ()) if line not in lines]
    assert {key_of(line.body) for line in lines} == {trial.run for trial in trials}
    for line in lines:
        outbox.set_aside(line, "Model registry functionality is unavailable")
    assert outbox.set_aside_count == len(lines)
    outbox.close()
    seen = archive()
    seen.client.delete_run(seen.run(trials[1].key).info.run_id)
    _forget_step(seen, trials[0].key, 20)

    again = open_tracker()
    assert again.close(60) == 0
    assert again.set_aside == 0
    assert not (folder / "outbox.rejected.jsonl").exists()
    for trial in trials:
        assert sorted(archive().points(trial.key, "select/miou")) == [(step, step / 3) for step in (10, 20, 30)]
        assert archive().run(trial.key).info.status == "FINISHED"
        assert archive().run(trial.key).data.tags["outcome"] == "finished"


def _forget_step(seen: Any, key: str, step: int) -> None:
    """Take a step of a run out of the database."""
    with sqlite3.connect(seen.client.tracking_uri.removeprefix("sqlite:///")) as database:
        database.execute("DELETE FROM metrics WHERE run_uuid = ? AND step = ?", (seen.run(key).info.run_id, step))
