"""Trainables that break the contract fail their own trials, under real Ray, and never the driver."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.project import PROJECT
from tests.support.studies import Studies

FILE = """
study: broken
trainable: broken
domains: synthetic
profile: synthetic
ablate:
  returns: [%s]
tune:
  lr: {type: grid, values: [%s]}
search: {sampler: grid}
fixed: {adaptor: ga, labeled_images: 5}
train: {iterations: 40, evaluate_every: 10}
"""
SAID = {
    "other_metric": "metrics: found select/accuracy; allowed: select/miou in every result",
    "nan": "metrics.select/miou: found nan; allowed: a finite number",
    "no_time": "time: missing; allowed: seconds since the epoch",
    "no_report": "allowed: report/miou in the final result",
    "unknown_field": "done: unknown field; allowed: iteration, time, metrics",
    "nothing": "found None; allowed: a dict with the fields iteration, time, metrics",
}


def run(studies: Studies, file: Path) -> subprocess.CompletedProcess[str]:
    module, where = "tests.support.broken_trainables", ["--address", studies.cluster.address]
    command = [sys.executable, "-m", module, str(file), "--studies", str(studies.folder), *where]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    environment.pop("MLFLOW_TRACKING_URI", None)
    return subprocess.run(
        [*command, "--no-report"],
        capture_output=True,
        text=True,
        timeout=580,
        cwd=PROJECT,
        env=environment,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_each_trial_whose_trainable_breaks_the_contract_fails_with_its_reason_and_all_others_finish(
    studies: Studies, write_file: Callable[[str], Path]
) -> None:
    done = run(studies, write_file(FILE % (", ".join(["good", "numpy", *SAID]), "0.03")))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr

    ledger = studies.ledger("broken")
    ended = {
        trial.user_attrs["config"]["returns"]: trial
        for name, trials in ledger.items()
        if name.endswith("replicate")
        for trial in trials
        if "key" in trial.user_attrs
    }
    assert {returns for returns, trial in ended.items() if trial.state.name == "COMPLETE"} == {"good", "numpy"}
    failed = {returns: trial for returns, trial in ended.items() if trial.state.name == "FAIL"}
    assert failed.keys() == SAID.keys()
    for returns, trial in failed.items():
        assert "trainable broken, after iteration" in trial.user_attrs["error"]
        assert SAID[returns] in trial.user_attrs["error"]
        assert "report/miou" not in trial.user_attrs.get("result", {})
        # what was right before it went wrong is kept
        assert list(trial.intermediate_values) == ([10, 20, 30] if returns == "no_report" else [10])
    assert ended["numpy"].user_attrs["result"].keys() == ended["good"].user_attrs["result"].keys() >= {"report/miou"}
    assert not [run for run in studies.runs("broken") if run.info.status == "RUNNING"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_study_whose_trials_all_break_the_contract_in_the_same_way_pauses(
    studies: Studies, write_file: Callable[[str], Path]
) -> None:
    done = run(studies, write_file(FILE % ("other_metric", "0.01, 0.02, 0.03, 0.04, 0.05")))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "one trial after the other ends with the same error" in done.stdout
    assert "metrics: found select/accuracy; allowed: select/miou in every result" in " ".join(done.stdout.split())
    begun = [trial for trials in studies.ledger("broken").values() for trial in trials if "key" in trial.user_attrs]
    assert 3 <= len(begun) < 5
