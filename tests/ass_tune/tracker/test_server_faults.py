"""Whole studies whose real MLflow server goes away, breaks, hangs or never comes."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from optuna.trial import FrozenTrial, TrialState

from ass_tune.sync import main as sync
from ass_tune.terminal.end_of_study import SECONDS_FOR_MLFLOW
from ass_tune.tracker.store import MlflowStore
from tests.support.mlflow_server import free_port, mlflow_server, proxy, wait_until, wedged_server
from tests.support.project import PROJECT
from tests.support.studies import Studies

pytestmark = [pytest.mark.chaos, pytest.mark.slow]

STUDY = """
study: {name}
trainable: curves
domains: synthetic
profile: synthetic
baseline: {{adaptor: joint}}
ablate:
  adaptor: [joint, ga]
  labeled_images: [50]
tune:
  lr: {{type: log_uniform, low: 0.01, high: 0.1}}
search: {{sampler: random, trials_per_cell: {trials}}}
prune: none
replicate: {{seeds: [0, 1, 2]}}
train: {{iterations: 100, evaluate_every: 10}}
fixed: {{seconds_per_report: {seconds}, noise: {noise}}}
resources: {{cpu: {cpus}}}
"""
REPORTS = list(range(10, 110, 10))
TRIALS = 100
SECONDS_PER_REPORT = 0.15
SECONDS_AWAY = 30.0
SECONDS_BROKEN = 10.0
LEAST_OF_THROUGHPUT = 0.85


@pytest.fixture
def write_study(tmp_path: Path) -> Callable[..., Path]:
    def write(name: str, trials: int, seconds: float = 0.0) -> Path:
        path = tmp_path / f"{name}.yaml"
        noise = len(list(tmp_path.glob("*.yaml")))  # Equal trials would be reused by the next study, not run again.
        # One trial at a time, so that a second slot that starts late on a busy machine does not look like a fault.
        cpus = os.cpu_count()
        path.write_text(STUDY.format(name=name, trials=trials // 2 - 3, seconds=seconds, noise=noise, cpus=cpus))
        return path

    return write


@pytest.fixture
def store(studies: Studies) -> MlflowStore:
    return MlflowStore(f"sqlite:///{studies.folder / 'mlflow.db'}")


@contextmanager
def started(studies: Studies, file: Path, port: int) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A study that is recorded on a port, and the file with what it prints."""
    output = file.with_suffix(".txt")
    command = studies.command(file, "--tracking-uri", f"http://127.0.0.1:{port}")
    with output.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, cwd=PROJECT)
    try:
        yield process, output
    finally:
        process.terminate()
        process.wait()


def ended(output: Path) -> int:
    """How many trials have finished, as the study says."""
    return sum(line.startswith("finished") for line in output.read_text().splitlines())


def trials_of(studies: Studies, study: str) -> list[FrozenTrial]:
    return [trial for trials in studies.ledger(study).values() for trial in trials]


def throughput(trials: list[FrozenTrial]) -> float:
    """Trials per second from the first end to the last."""
    ends = sorted(trial.datetime_complete for trial in trials if trial.datetime_complete)
    return (len(ends) - 1) / (ends[-1] - ends[0]).total_seconds()


def assert_mlflow_has_what_the_ledger_has(studies: Studies, study: str, trials: int) -> None:
    """Every value of every trial once, and nothing else."""
    ledger = {trial.user_attrs["key"]: trial for trial in trials_of(studies, study)}
    runs = {run.data.tags["key"]: run for run in studies.runs(study)}
    assert len(studies.runs(study)) == len(runs) == len(ledger) == trials
    assert runs.keys() == ledger.keys()
    client = studies.client
    for key, trial in ledger.items():
        assert trial.state is TrialState.COMPLETE
        run = runs[key]
        assert run.info.status == "FINISHED"
        assert run.data.tags["outcome"] == "finished"
        points = [(point.step, point.value) for point in client.get_metric_history(run.info.run_id, "select/miou")]
        assert points == sorted(trial.intermediate_values.items())
        for name in run.data.metrics:
            steps = [point.step for point in client.get_metric_history(run.info.run_id, name)]
            assert steps == ([100] if name.startswith(("report/", "snapshot/")) else REPORTS), name
        assert run.data.metrics["report/miou"] == trial.user_attrs["result"]["report/miou"]
    assert not (studies.folder / study / "outbox.rejected.jsonl").exists()


@pytest.mark.timeout(900)
def test_a_server_that_is_stopped_restarted_and_broken_slows_no_trial_and_has_every_value_once(
    studies: Studies, write_study: Callable[..., Path], store: MlflowStore, tmp_path: Path
):
    port, behind = free_port(), free_port()
    with mlflow_server(behind, store, tmp_path / "served"), proxy(port, behind):
        with started(studies, write_study("calm", TRIALS, SECONDS_PER_REPORT), port) as (calm, output):
            assert calm.wait(400) == 0, output.read_text()
    with started(studies, write_study("stormy", TRIALS, SECONDS_PER_REPORT), port) as (stormy, output):
        with mlflow_server(behind, store, tmp_path / "served"), proxy(port, behind):
            wait_until(lambda: ended(output) >= 15, 120)
        ended_before = ended(output)
        time.sleep(SECONDS_AWAY)
        assert ended(output) > ended_before + 10
        with mlflow_server(behind, store, tmp_path / "served"), proxy(port, behind) as front:
            wait_until(lambda: len(front.requests) >= 20, 120)
            front.refuses = True
            time.sleep(SECONDS_BROKEN)
            assert stormy.poll() is None
            front.loses = ["runs/create", "runs/log-batch", "runs/update", "runs/log-batch", "runs/log-batch"]
            front.refuses = False
            assert stormy.wait(400) == 0, output.read_text()
            assert front.loses == []
    assert "wait for MLflow" not in output.read_text()
    undisturbed, disturbed = (throughput(trials_of(studies, name)) for name in ("calm", "stormy"))
    print(f"trials per second: {undisturbed:.3f} undisturbed, {disturbed:.3f} disturbed")
    for name in ("calm", "stormy"):
        assert_mlflow_has_what_the_ledger_has(studies, name, TRIALS)
    assert disturbed > LEAST_OF_THROUGHPUT * undisturbed


@pytest.mark.timeout(300)
def test_a_server_that_never_comes_leaves_everything_to_a_later_delivery(
    studies: Studies,
    write_study: Callable[..., Path],
    store: MlflowStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    port = free_port()
    done = studies.run_alone(write_study("alone", 20), "--tracking-uri", f"http://127.0.0.1:{port}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "records wait for MLflow" in done.stdout
    assert f"python -m ass_tune.sync alone --studies {studies.folder}" in done.stdout
    waiting = int(done.stdout.partition(" records wait for MLflow")[0].split()[-1])
    assert studies.client.get_experiment_by_name("alone") is None

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with mlflow_server(port, store, tmp_path / "served"):
        assert sync(["alone", "--studies", str(studies.folder)]) == 0
    assert f"{waiting} records delivered to http://127.0.0.1:{port}" in capsys.readouterr().out
    assert_mlflow_has_what_the_ledger_has(studies, "alone", 20)


@pytest.mark.timeout(400)
def test_a_server_that_never_answers_holds_the_end_no_longer_than_promised(
    studies: Studies, write_study: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1000")  # Nothing but our own limit ends the waiting.
    with wedged_server() as port:
        command = studies.command(write_study("held", 8), "--tracking-uri", f"http://127.0.0.1:{port}")
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT)
        patience = threading.Timer(300, process.kill)
        patience.start()
        assert process.stdout is not None
        told = []
        for line in process.stdout:
            told.append(line)
            if line.startswith("table:"):
                table_at = time.monotonic()
        process.wait()
        took = time.monotonic() - table_at
        patience.cancel()
    print(f"the end took {took:.1f} s")
    assert process.returncode == 0, "".join(told)
    assert any(f"records wait for MLflow (not done within {SECONDS_FOR_MLFLOW:g} s)" in line for line in told)
    assert took < SECONDS_FOR_MLFLOW + 10
    assert {trial.state for trial in trials_of(studies, "held")} == {TrialState.COMPLETE}
