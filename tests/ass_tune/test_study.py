"""Whole studies of synthetic curves: real Ray, Optuna and MLflow, started from the command line."""

from __future__ import annotations

import csv
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
from optuna.trial import FrozenTrial, TrialState

CURVES = """
study: curves
trainable: curves
domains: synthetic
profile: synthetic
baseline: {adaptor: joint}
ablate:
  adaptor: [joint, ga, ga+csa]
  labeled_images: [5, 50]
tune:
  lambda_sadv: {type: log_uniform, low: 0.01, high: 100}
  lr: {type: log_uniform, low: 0.01, high: 0.1}
search: {sampler: tpe, trials_per_cell: 32}
prune: {pruner: median, start: 0.6, startup_trials: 3}
replicate: {seeds: [0, 1, 2]}
train: {iterations: 100, evaluate_every: 20}
"""
SMALL = CURVES.replace("trials_per_cell: 32", "trials_per_cell: 3")


def begun(trials: list[FrozenTrial]) -> list[FrozenTrial]:
    return [trial for trial in trials if "key" in trial.user_attrs]


@pytest.mark.timeout(280)
def test_a_study_of_two_hundred_trials_gives_every_cell_its_budget_and_mlflow_agrees_with_the_ledger(
    studies, write_file
):
    done = studies.run(write_file(CURVES))
    assert done.returncode == 0, done.stdout + done.stderr

    ledger = studies.ledger("curves")
    assert len(ledger) == 12
    for name, trials in ledger.items():
        expected = 32 if name.endswith("tuning") else 2
        keys = [trial.user_attrs["key"] for trial in begun(trials)]
        assert len(keys) == len(set(keys)) == expected, name

    all_trials = [trial for trials in ledger.values() for trial in begun(trials)]
    assert Counter(trial.state for trial in all_trials).keys() == {TrialState.COMPLETE, TrialState.PRUNED}
    pruned = [trial for trial in all_trials if trial.state is TrialState.PRUNED]
    assert len(pruned) >= 20
    assert {max(trial.intermediate_values) for trial in pruned} <= {60, 80}
    replicates = [trial for name, trials in ledger.items() if name.endswith("replicate") for trial in trials]
    assert {trial.state for trial in replicates} == {TrialState.COMPLETE}

    runs = {run.data.tags["ass_tune.key"]: run for run in studies.runs("curves")}
    assert len(runs) == len(all_trials) == 204
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
    file = write_file(
        SMALL.replace("{type: log_uniform, low: 0.01, high: 0.1}", "{type: choice, values: [0.02, 0.05, 0.08]}")
    )
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
    rest, _ = process.communicate(timeout=120)
    assert process.returncode == 130, "".join(seen) + rest
    assert "Run the same command again to go on." in rest
    finished = {
        t.user_attrs["key"] for trials in studies.ledger("curves").values() for t in trials if t.state.is_finished()
    }

    again = studies.run(file, *slow)
    assert again.returncode == 0, again.stdout + again.stderr
    ledger = studies.ledger("curves")
    keys = [trial.user_attrs["key"] for trials in ledger.values() for trial in begun(trials)]
    assert len(keys) == len(set(keys)) == 15
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
    assert len(studies.runs("curves")) == 15


def test_trials_that_raise_are_retried_then_reported_with_their_error(studies, write_file):
    one_cell = ["--set", "ablate.adaptor=[joint]", "--set", "ablate.labeled_images=[5]"]
    done = studies.run(write_file(SMALL), "--set", "fixed.fail_at=40", *one_cell)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "RuntimeError: asked to fail at iteration 40" in done.stdout
    trials = [trial for trials in studies.ledger("curves").values() for trial in begun(trials)]
    assert {trial.state for trial in trials} == {TrialState.FAIL}
    assert len(trials) == 3
    assert all("asked to fail" in trial.user_attrs["error"] for trial in trials)
    assert {run.data.tags["outcome"] for run in studies.runs("curves")} == {"failed"}


def test_trials_that_diverge_fail_without_a_retry(studies, write_file):
    done = studies.run(write_file(SMALL), "--set", "fixed.diverge_at=40", "--set", "ablate.adaptor=[joint]")
    assert done.returncode == 1, done.stdout + done.stderr
    trials = [trial for trials in studies.ledger("curves").values() for trial in begun(trials)]
    assert {trial.user_attrs["error"] for trial in trials} == {"loss/total is nan at iteration 40"}


def test_a_users_mistakes_are_listed_without_a_traceback(studies, write_file):
    done = studies.run(
        write_file(SMALL.replace("sampler: tpe", "sampler: tpee").replace("iterations: 100", "iterations: 0"))
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 2
    assert "did you mean 'tpe'?" in done.stderr


def test_resources_that_a_local_ray_lacks_are_one_clear_error(studies, write_file):
    done = studies.run(write_file(SMALL), "--set", "resources.custom={trainer: 1}")
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


def test_a_study_runs_on_a_cluster_of_two_nodes(studies, write_file):
    from ray.cluster_utils import Cluster

    file = write_file(SMALL + "resources: {cpu: 1, custom: {trainer: 1}}\n")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        cluster.add_node(num_cpus=2, resources={"trainer": 2})
        started = time.time()
        done = studies.run(file, "--address", cluster.address)
    finally:
        cluster.shutdown()
    assert done.returncode == 0, done.stdout + done.stderr
    assert time.time() > started
    assert all(trial.state.is_finished() for trials in studies.ledger("curves").values() for trial in trials)
