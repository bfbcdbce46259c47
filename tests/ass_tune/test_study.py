"""Whole studies of synthetic curves: real Ray, Optuna and MLflow, started from the command line."""

from __future__ import annotations

import csv
import json
import re
import signal
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from optuna.trial import FrozenTrial, TrialState

from tests.support.studies import Studies
from tests.support.study_files import LAMBDA_SADV, LR, curves_file

SIX_CELLS: dict[str, Any] = {
    "baseline": {"adaptor": "joint"},
    "ablate": {"adaptor": ["joint", "ga", "ga+csa"], "labeled_images": [5, 50]},
    "tune": LAMBDA_SADV | LR,
    "search": {"sampler": "tpe", "trials_per_cell": 3},
    "prune": {"pruner": "median", "start": 0.6, "startup_trials": 3},
    "replicate": {"seeds": [0, 1, 2]},
}
MANY = curves_file(**{**SIX_CELLS, "search": {"sampler": "tpe", "trials_per_cell": 16}})
SMALL = curves_file(**SIX_CELLS)
ONE_CELL: dict[str, Any] = {"ablate": {"adaptor": ["joint"], "labeled_images": [5]}, "replicate": {"seeds": [0]}}
NOTHING_TO_TUNE: dict[str, Any] = {"tune": None, "search": None}
ONE_TRIAL = curves_file(**{**SIX_CELLS, **ONE_CELL, **NOTHING_TO_TUNE})


def begun(trials: list[FrozenTrial]) -> list[FrozenTrial]:
    return [trial for trial in trials if "key" in trial.user_attrs]


def test_a_study_of_a_hundred_trials_gives_every_cell_its_budget_and_mlflow_agrees_with_the_ledger(studies, write_file):
    done = studies.run(write_file(MANY))
    assert done.returncode == 0, done.stdout + done.stderr

    ledger = studies.ledger("curves")
    assert len(ledger.pop("curves")) == 0
    assert len(ledger) == 12
    for name, trials in ledger.items():
        expected = 16 if name.endswith("tuning") else 3
        keys = [trial.user_attrs["key"] for trial in begun(trials)]
        assert len(keys) == len(set(keys)) == expected, name

    all_trials = [trial for trials in ledger.values() for trial in begun(trials)]
    assert Counter(trial.state for trial in all_trials).keys() == {TrialState.COMPLETE, TrialState.PRUNED}
    pruned = [trial for trial in all_trials if trial.state is TrialState.PRUNED]
    assert len(pruned) >= 8
    assert {max(trial.intermediate_values) for trial in pruned} <= {60, 80}
    replicates = [trial for name, trials in ledger.items() if name.endswith("replicate") for trial in trials]
    assert {trial.state for trial in replicates} == {TrialState.COMPLETE}

    runs = {run.data.tags["key"]: run for run in studies.runs("curves")}
    assert len(runs) == len(all_trials) == 6 * (16 + 3)
    client = studies.client
    for trial in all_trials:
        run = runs[trial.user_attrs["key"]]
        history = client.get_metric_history(run.info.run_id, "select/miou")
        assert {metric.step: metric.value for metric in history} == trial.intermediate_values
        assert len(history) == len(trial.intermediate_values)
        assert run.data.tags["outcome"] == ("pruned" if trial.state is TrialState.PRUNED else "finished")
        assert run.data.params["lr"] == str(trial.params["lr"])
        if trial.state is TrialState.PRUNED:
            assert run.data.tags["pruned_at"] == str(max(trial.intermediate_values))
        else:
            assert run.data.metrics["report/miou"] == trial.user_attrs["result"]["report/miou"]

    with (studies.folder / "curves/tables/table.csv").open() as file:
        table = {(row["adaptor"], row["labeled_images"]): row for row in csv.DictReader(file)}
    assert len(table) == 6
    # the curves' asymptote is 3 points higher for ga+csa at its best lambda, so tuning must find most of it
    assert all(float(table["ga+csa", labels]["gain"]) > 1.5 for labels in ("5", "50"))
    assert (studies.folder / "curves/tables/table.png").read_bytes().startswith(b"\x89PNG")


def test_ctrl_c_keeps_everything_the_same_command_goes_on_and_once_more_trains_nothing(studies, write_file):
    choice = {"lr": {"type": "choice", "values": [0.02, 0.05, 0.08]}}
    file = write_file(curves_file(**{**SIX_CELLS, "tune": LAMBDA_SADV | choice}))
    slow = ["--set", "fixed.seconds_per_report=0.2", "--set", "ablate.labeled_images=[5]"]
    process = subprocess.Popen(
        studies.command(file, *slow), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    seen: list[str] = []
    for line in process.stdout:
        seen.append(line)
        if sum(line.startswith("finished") for line in seen) == 2:
            process.send_signal(signal.SIGINT)
            break
    rest, _ = process.communicate(timeout=500)
    assert process.returncode == 130, "".join(seen) + rest
    assert "Run the same command again to go on." in rest
    finished = {
        t.user_attrs["key"] for trials in studies.ledger("curves").values() for t in trials if t.state.is_finished()
    }

    again = studies.run(file, *slow)
    assert again.returncode == 0, again.stdout + again.stderr
    ledger = studies.ledger("curves")
    keys = [trial.user_attrs["key"] for trials in ledger.values() for trial in begun(trials)]
    assert len(keys) == len(set(keys)) == 3 * (3 + 3)
    assert finished <= set(keys)
    assert all(trial.state.is_finished() for trials in ledger.values() for trial in trials)
    assert not [run for run in studies.runs("curves") if run.info.status == "RUNNING"]
    for run in studies.runs("curves"):
        steps = [metric.step for metric in studies.client.get_metric_history(run.info.run_id, "select/miou")]
        assert len(steps) == len(set(steps))

    tables = {name: _table(studies, name).read_bytes() for name in ("table.md", "table.csv")}
    once_more = studies.run(file, *slow)
    assert once_more.returncode == 0, once_more.stdout + once_more.stderr
    assert "start  " not in once_more.stdout
    assert {name: _table(studies, name).read_bytes() for name in tables} == tables
    assert len(studies.runs("curves")) == 3 * (3 + 3)


def test_a_bug_that_every_trial_hits_pauses_the_study_which_later_tries_again(studies, write_file):
    bug = ["--set", "fixed.fail_at=40", "--set", "ablate.adaptor=[joint]"]
    done = studies.run(write_file(SMALL), *bug)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Paused: one trial after the other ends with the same error: RuntimeError: asked to fail" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    trials = [trial for trials in studies.ledger("curves").values() for trial in begun(trials)]
    failed = [trial for trial in trials if trial.state is TrialState.FAIL]
    assert len(failed) == 3
    assert all("asked to fail" in trial.user_attrs["error"] for trial in failed)
    assert Counter(run.data.tags["outcome"] for run in studies.runs("curves"))["failed"] == 3

    again = studies.run(write_file(SMALL), *bug)
    assert again.returncode == 1
    keys = [t.user_attrs["key"] for ts in studies.ledger("curves").values() for t in begun(ts)]
    assert {trial.user_attrs["key"] for trial in failed} <= {key for key in keys if keys.count(key) == 2}


def test_trials_that_diverge_are_results_and_no_failures(studies, write_file):
    done = studies.run(write_file(SMALL), "--set", "fixed.diverge_at=40", "--set", "ablate.adaptor=[joint]")
    assert done.returncode == 1, "no cell has a result: " + done.stdout + done.stderr
    assert "3 diverged" in done.stdout
    assert "6 trials diverged: loss/total is nan at iteration 40 (" in done.stdout
    trials = [trial for trials in studies.ledger("curves").values() for trial in begun(trials)]
    assert {trial.state for trial in trials} == {TrialState.PRUNED}
    assert {trial.user_attrs["error"] for trial in trials} == {"loss/total is nan at iteration 40"}
    assert {(r.info.status, r.data.tags["outcome"]) for r in studies.runs("curves")} == {("FAILED", "diverged")}


@pytest.mark.slow
@pytest.mark.chaos
def test_trials_that_hang_or_lose_their_process_or_memory_are_tried_again_and_end_as_if_nothing_had_been(
    studies, write_file
):
    misfortunes = {"lose_at": [1000, 40], "exhaust_at": [1000, 40], "hang_at": [1000, 60]}
    unlucky = {"ablate": ONE_CELL["ablate"] | misfortunes, **NOTHING_TO_TUNE}
    patience = {"faults": {"hung_after": 2, "hung_after_seconds": 6}}
    done = studies.run(write_file(curves_file(**{**SIX_CELLS, **ONE_CELL, **unlucky, **patience})))
    assert done.returncode == 0, done.stdout + done.stderr
    notices = Counter(re.findall(r"^notice .*: (\w[\w ]*), goes on from iteration [24]0: ", done.stdout, re.MULTILINE))
    assert notices == {"out of memory": 4, "process lost": 2, "hung": 1}
    ledger = studies.ledger("curves")
    assert len(ledger) == 17
    trials = [trial for trials in ledger.values() for trial in begun(trials)]
    assert len(trials) == 8
    assert {trial.state for trial in trials} == {TrialState.COMPLETE}
    assert {tuple(trial.intermediate_values) for trial in trials} == {(20, 40, 60, 80, 100)}
    assert {run.info.status for run in studies.runs("curves")} == {"FINISHED"}


def test_a_changed_file_is_refused_another_name_reuses_and_fresh_begins_anew(studies, write_file):
    file = write_file(ONE_TRIAL)
    assert studies.run(file).returncode == 0
    before = {path: path.read_bytes() for path in (studies.folder / "curves").rglob("*") if path.is_file()}

    changed = studies.run(file, "--set", "train.iterations=200")
    assert changed.returncode == 2
    assert "train.iterations: was 100, is 200\n" in changed.stderr
    assert {path: path.read_bytes() for path in before} == before
    status = json.loads(studies.run(file, "--status", "--json").stdout)
    assert (status["trials_ended"], status["trials_wanted"], status["driver"]) == (1, 1, None)

    other = studies.run(file, "--set", "study=other")
    assert other.returncode == 0, other.stdout + other.stderr
    assert "reuse    adaptor=joint,labeled_images=5 replicate 0" in other.stdout
    [run] = studies.runs("other")
    assert run.data.tags["reused_from"] == "curves/adaptor=joint,labeled_images=5/replicate 0"
    [original] = studies.runs("curves")
    assert run.data.metrics["report/miou"] == original.data.metrics["report/miou"]
    histories = [studies.client.get_metric_history(r.info.run_id, "select/miou") for r in (run, original)]
    assert len({tuple((point.step, point.value) for point in history) for history in histories}) == 1

    fresh = studies.run(file, "--fresh", "--set", "train.iterations=200")
    assert fresh.returncode == 0, fresh.stdout + fresh.stderr
    assert f"put aside: {studies.folder}/_replaced/curves-1" in fresh.stdout
    [trial] = begun(studies.ledger("curves")["curves/adaptor=joint,labeled_images=5/replicate"])
    assert max(trial.intermediate_values) == 200
    assert len(studies.runs("curves")) == 2
    aside = Studies(studies.folder / "_replaced").ledger("curves-1")
    assert len(begun(aside["curves/adaptor=joint,labeled_images=5/replicate"])) == 1


def test_a_users_mistakes_are_listed_without_a_traceback(studies, write_file):
    done = studies.run(
        write_file(SMALL.replace("sampler: tpe", "sampler: tpee").replace("iterations: 100", "iterations: 0"))
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 2
    assert "did you mean 'tpe'?" in done.stderr


@pytest.mark.slow
def test_resources_that_a_local_ray_lacks_are_one_clear_error(studies, write_file):
    done = studies.run_alone(write_file(SMALL), "--set", "resources.custom={trainer: 1}")
    assert done.returncode == 2
    assert "a trial asks for trainer 1 (there is 0)" in done.stderr
    assert "Traceback" not in done.stderr


def test_missing_real_data_is_one_clear_error(studies, tmp_path):
    done = studies.run("search_spaces/real_csa.yaml", "--data-root", str(tmp_path / "nowhere"))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert str(tmp_path / "nowhere") in done.stderr


def _table(studies, name: str) -> Path:
    return studies.folder / "curves/tables" / name


@pytest.mark.slow
def test_a_study_runs_on_a_cluster_of_two_nodes(studies, write_file):
    from ray.cluster_utils import Cluster

    file = write_file(curves_file(resources={"cpu": 1, "custom": {"trainer": 1}}))
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        cluster.add_node(num_cpus=2, resources={"trainer": 2})
        done = studies.run_alone(file, "--address", cluster.address)
    finally:
        cluster.shutdown()
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(trial.state.is_finished() for trials in studies.ledger("curves").values() for trial in trials)
