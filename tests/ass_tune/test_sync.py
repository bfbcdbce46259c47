"""`python -m ass_tune.sync`: what a study left in its outbox reaches MLflow."""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mlflow.tracking import MlflowClient
from rich.console import Console
from rich.live import Live

from analysis.records import Metrics, RunEnded, RunStarted, encode
from ass_tune.ledger.lock import study_lock
from ass_tune.places import Studies
from ass_tune.sync import _progress, main
from ass_tune.tracker.destination import remember_store, study_identity, sync_command
from ass_tune.tracker.outbox import Outbox
from ass_tune.tracker.store import mlflow_store
from tests.support.mlflow_server import free_port, wait_until, wedged_server
from tests.support.project import PROJECT
from trainables.credentials import without_credentials
from trainables.storage import Storage

IMPORTED = (
    "import sys; from ass_tune.sync import main; code = main(sys.argv[1:]); print(*sys.modules); sys.exit(int(code))"
)
STEPS = 40
RECORDS = STEPS + 2

Leave = Callable[..., Path]


@pytest.fixture(autouse=True)
def no_uri_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture
def studies(tmp_path: Path, migrated: Path) -> Path:
    folder = tmp_path / "studies"
    folder.mkdir()
    shutil.copy(migrated, folder / "mlflow.db")
    return folder


@pytest.fixture
def leave(studies: Path) -> Leave:
    """The folder of a study of one run that could deliver nothing to its MLflow."""

    def make(name: str = "demo", uri: str | None = None, steps: int = STEPS) -> Path:
        folder = Storage(str(studies / name))
        remember_store(folder, studies, mlflow_store(studies, uri))
        study_identity(folder)
        outbox = Outbox(folder.local_path())
        outbox.append(encode(RunStarted("k", "k", 1_700_000_000.0)))
        for step in range(1, steps + 1):
            outbox.append(encode(Metrics("k", step, 1_700_000_000.0 + step, {"x": step / 3})))
        outbox.append(encode(RunEnded("k", "FINISHED", 1_700_000_999.0)))
        outbox.close()
        return folder.local_path()

    return make


def points(studies: Path, study: str = "demo") -> list[tuple[int, float]]:
    client = MlflowClient(f"sqlite:///{studies / 'mlflow.db'}")
    experiment = client.get_experiment_by_name(study)
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    return [(metric.step, metric.value) for metric in client.get_metric_history(run.info.run_id, "x")]


def started(studies: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "ass_tune.sync", "demo", "--studies", str(studies), *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=PROJECT)


def test_everything_arrives_without_ray_or_torch_and_a_second_time_nothing_is_left(
    studies: Path, leave: Leave, capsys: pytest.CaptureFixture[str]
):
    leave()
    command = [sys.executable, "-c", IMPORTED, "demo", "--studies", str(studies)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told, modules = done.stdout.splitlines()
    assert told == f"study demo: {RECORDS} records delivered to sqlite:///{studies / 'mlflow.db'}"
    assert "mlflow" in modules.split()
    assert not {"ray", "torch", "optuna"} & set(modules.split())
    expected = [(step, step / 3) for step in range(1, STEPS + 1)]
    assert points(studies) == expected

    assert main(["demo", "--studies", str(studies)]) == 0
    assert "study demo: 0 records delivered" in capsys.readouterr().out
    assert points(studies) == expected


def test_a_server_that_is_away_is_named_without_its_password_and_everything_waits_on(
    studies: Path, leave: Leave, capsys: pytest.CaptureFixture[str]
):
    uri = f"http://ann:s3cret@127.0.0.1:{free_port()}"
    leave(uri=uri)
    assert main(["demo", "--studies", str(studies), "--tracking-uri", uri]) == 1
    told = capsys.readouterr()
    assert "s3cret" not in told.out + told.err
    assert told.out.startswith(f"study demo: 0 records delivered to {without_credentials(uri)}\n{RECORDS} records wait")
    assert "Connection refused" in told.out
    assert main(["demo", "--studies", str(studies), "--tracking-uri", f"sqlite:///{studies / 'mlflow.db'}"]) == 0
    assert len(points(studies)) == STEPS


@pytest.mark.chaos
def test_a_server_that_never_answers_costs_no_more_than_the_timeout(
    studies: Path, leave: Leave, capsys: pytest.CaptureFixture[str]
):
    with wedged_server() as port:
        leave(uri=f"http://127.0.0.1:{port}")
        begun = time.monotonic()
        assert main(["demo", "--studies", str(studies), "--timeout", "1"]) == 1
        assert time.monotonic() - begun < 60  # MLflow's own patience would be minutes
    assert f"{RECORDS} records wait (not done within 1 s)" in capsys.readouterr().out


@pytest.mark.chaos
def test_ctrl_c_ends_it_at_once_and_loses_nothing(studies: Path, leave: Leave):
    with wedged_server() as port:
        folder = leave(uri=f"http://127.0.0.1:{port}")
        process = started(studies)
        wait_until(lambda: (folder / "lock").exists() and (folder / "lock").stat().st_size)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=240)
    assert process.returncode == 130, out + err
    assert f"{RECORDS} records wait (interrupted)" in out
    assert "Traceback" not in err


@pytest.mark.chaos
def test_a_delivery_that_is_killed_repeats_nothing(studies: Path, leave: Leave):
    folder = leave(steps=2000)
    process = started(studies)
    wait_until(lambda: (folder / "outbox.confirmed").exists())
    process.kill()
    process.communicate()
    outbox = Outbox(folder)
    assert 0 < outbox.waiting < 2002
    outbox.close()
    assert main(["demo", "--studies", str(studies)]) == 0
    assert points(studies) == [(step, step / 3) for step in range(1, 2001)]


def test_what_mlflow_refuses_is_counted_and_where_it_lies_is_told(
    studies: Path, leave: Leave, capsys: pytest.CaptureFixture[str]
):
    folder = leave()
    outbox = Outbox(folder)
    outbox.append(encode(Metrics("k", 99, 1_700_000_000.0, {"not permitted!": 1.0})))
    outbox.close()
    assert main(["demo", "--studies", str(studies)]) == 1
    told = capsys.readouterr().out
    assert f"study demo: {RECORDS} records delivered" in told
    assert f"1 records were refused by MLflow and set aside in {folder / 'outbox.rejected.jsonl'}" in told
    assert len(points(studies)) == STEPS


@pytest.mark.parametrize("name", ["dmeo", "../demo", ".", "missing"])
def test_a_study_that_is_not_there_is_one_clear_error_and_nothing_is_made(
    studies: Path, leave: Leave, capsys: pytest.CaptureFixture[str], name: str
):
    leave()
    before = sorted(studies.rglob("*"))
    assert main([name, "--studies", str(studies)]) == 2
    near = {"dmeo": "did you mean 'demo'?", "../demo": "did you mean 'demo'?"}.get(name, "studies there: demo")
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", f"no study '{name}' in {studies}; {near}\n")
    assert sorted(studies.rglob("*")) == before


def test_a_folder_of_studies_that_is_not_there_is_one_clear_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["demo", "--studies", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err == f"no study 'demo' in {tmp_path / 'none'}; studies there: none\n"


def test_a_study_that_runs_delivers_itself(studies: Path, leave: Leave, capsys: pytest.CaptureFixture[str]):
    with study_lock(leave()):
        assert main(["demo", "--studies", str(studies)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert re.match(rf"study demo is being run by process {os.getpid()} on .+ since .+ UTC: wait", told.err)


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "soon"])
def test_a_timeout_that_is_no_time_is_refused(studies: Path, capsys: pytest.CaptureFixture[str], seconds: str):
    with pytest.raises(SystemExit) as ended:
        main(["demo", "--studies", str(studies), f"--timeout={seconds}"])
    assert ended.value.code == 2
    assert "argument --timeout" in capsys.readouterr().err


def test_the_command_that_a_study_prints_says_where_the_study_is(tmp_path: Path):
    assert sync_command("csa", Studies.at("studies")) == "python -m ass_tune.sync csa"
    elsewhere = tmp_path / "my studies"
    assert sync_command("csa", Studies.at(elsewhere)) == f"python -m ass_tune.sync csa --studies '{elsewhere}'"


def test_the_trouble_below_the_bar_is_shown_whole_at_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    trouble = f"MLflow at https://mlflow.example.org/{'x' * 90} does not answer: connection refused"
    tracker: Any = SimpleNamespace(waiting=300, trouble=trouble)
    console = Console(file=io.StringIO(), width=80, soft_wrap=True, force_terminal=True, color_system=None)
    with Live(console=console, get_renderable=lambda: _progress(tracker, 1000)):
        pass
    assert isinstance(console.file, io.StringIO)
    text = "".join(line.strip() for line in console.file.getvalue().splitlines())
    assert "700/1000 records" in text
    assert "x" * 90 in text
    assert text.replace(" ", "").count(trouble.replace(" ", "")) >= 1
