"""Signals, closed pipes, full disks under the output and foreign lines in the ledger, each in a whole study."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest

from tests.support.journals import optunas
from tests.support.project import PROJECT
from tests.support.studies import Studies
from tests.support.study_files import LAMBDA_SADV, curves_file

Write = Callable[[str], Path]
STUDY = curves_file(
    study="ends",
    ablate={"adaptor": ["joint", "ga"]},
    tune=LAMBDA_SADV,
    search={"sampler": "random", "trials_per_cell": 2},
    prune=None,
    replicate={"seeds": [0, 1]},
    train={"iterations": 40, "evaluate_every": 10},
    fixed={"seconds_per_report": 0.3},
)


def started(studies: Studies, file: Path, **how: Any) -> subprocess.Popen[str]:
    """A driver with a Ray of its own, once its first trial has reported."""
    process = subprocess.Popen(
        studies.command(file), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=PROJECT, **how
    )
    assert process.stdout is not None
    assert any(line.startswith("report") for line in process.stdout)
    return process


def assert_goes_on(studies: Studies, file: Path) -> None:
    done = studies.run(file)
    assert done.returncode == 0, done.stdout + done.stderr
    keys = [t.user_attrs["key"] for ts in studies.ledger("ends").values() for t in ts if "key" in t.user_attrs]
    assert len(keys) == len(set(keys))
    assert {run.info.status for run in studies.runs("ends")} == {"FINISHED"}


def statuses(studies: Studies) -> set[str]:
    experiment = studies.client.get_experiment_by_name("ends")
    assert experiment is not None
    return {run.info.status for run in studies.client.search_runs([experiment.experiment_id])}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 143), (signal.SIGHUP, 129)],
    ids=["SIGTERM", "SIGHUP"],
)
def test_a_signal_ends_a_study_like_ctrl_c(
    studies: Studies, write_file: Write, number: signal.Signals, code: int
) -> None:
    file = write_file(STUDY)
    process = started(studies, file, start_new_session=True)
    if number == signal.SIGHUP:
        os.killpg(process.pid, number)  # a terminal's end reaches Ray's processes too
    else:
        process.send_signal(number)
    rest, _ = process.communicate(timeout=500)
    assert process.returncode == code, rest
    assert "Interrupted: nothing is lost. Run the same command again to go on." in rest
    assert "Traceback" not in rest
    assert statuses(studies) <= {"FINISHED", "KILLED"}
    assert_goes_on(studies, file)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.0, 1.0, 2.0, 3.0])
def test_a_signal_after_the_last_trial_lets_the_study_end(studies: Studies, write_file: Write, seconds: float) -> None:
    """Also while Ray ends, which takes the handlers of signals away."""
    process = started(studies, write_file(STUDY))
    assert process.stdout is not None
    assert any(re.search(r" (\d+)/\1 trials, 0 running", line) for line in process.stdout)
    time.sleep(seconds)
    process.terminate()
    rest, _ = process.communicate(timeout=500)
    assert "\nOptuna: " in rest, "all has been said"
    assert statuses(studies) == {"FINISHED"}


@pytest.mark.slow
def test_a_pipe_that_nobody_reads_any_more_changes_nothing(studies: Studies, write_file: Write) -> None:
    process = started(studies, write_file(STUDY))
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(timeout=500) == 0
    assert statuses(studies) == {"FINISHED"}
    assert (studies.folder / "ends/tables/table.csv").exists()


@pytest.mark.slow
def test_a_full_disk_under_the_output_ends_no_study(studies: Studies, write_file: Write) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            studies.command(write_file(STUDY)), stdout=full, stderr=subprocess.PIPE, text=True, check=False, cwd=PROJECT
        )
    assert done.returncode == 1
    assert "Not all of standard output could be written" in done.stderr
    assert statuses(studies) == {"FINISHED"}
    assert (studies.folder / "ends/tables/table.csv").exists()


@pytest.mark.slow
def test_an_optuna_process_that_joins_a_cell_is_no_damage(studies: Studies, write_file: Write) -> None:
    process = started(studies, write_file(STUDY))
    storage = optunas(studies.folder / "ends/ledger.journal")
    cell = optuna.get_all_study_names(storage)[0]
    optuna.create_study(study_name=cell, storage=storage, load_if_exists=True)
    optuna.create_study(study_name="theirs", storage=storage).optimize(lambda trial: 0.0, n_trials=2)
    rest, _ = process.communicate(timeout=500)
    assert process.returncode == 0, rest


def test_damage_found_while_a_study_runs_is_a_pause(studies: Studies, write_file: Write) -> None:
    process = started(studies, write_file(STUDY))
    storage = optunas(studies.folder / "ends/ledger.journal")
    optuna.load_study(study_name=optuna.get_all_study_names(storage)[0], storage=storage).ask()
    rest, _ = process.communicate(timeout=500)
    assert process.returncode == 1, rest
    assert rest.count("another program changed this study") == 1
    assert "Traceback" not in rest
    assert statuses(studies) <= {"FINISHED", "KILLED"}


@pytest.mark.parametrize(("uri", "meant"), [("localhost:5000", "http://localhost:5000"), ("htp://host", "http://host")])
def test_an_address_of_mlflow_that_cannot_be_is_refused_before_anything_is_made(
    tmp_path: Path, write_file: Write, uri: str, meant: str
) -> None:
    command = [sys.executable, "-m", "ass_tune.run", str(write_file(STUDY)), "--studies", str(tmp_path / "studies")]
    environment = {**os.environ, "MLFLOW_TRACKING_URI": uri}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=PROJECT, env=environment)
    assert done.returncode == 2
    assert f"did you mean '{meant}'?" in done.stderr
    assert "(from $MLFLOW_TRACKING_URI)" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "studies").exists()
