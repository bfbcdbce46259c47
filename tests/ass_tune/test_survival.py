"""Studies that are killed at any moment end as if nobody had touched them."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.cluster import Cluster
from tests.support.equal_studies import assert_equal_studies, outbox, reports_trained_again
from tests.support.kills import kill_tree, trial_processes
from tests.support.studies import Studies, begin_studies
from tests.support.study_files import curves_file, method_file

GRID: dict[str, Any] = {
    "study": "survival",
    "baseline": {"adaptor": "ga+fcsa"},
    "ablate": {"adaptor": ["ga+fcsa", "ga+csa"], "labeled_images": [5, 20]},
    "tune": {"lambda_sadv": {"type": "grid", "values": [0.1, 1, 3, 10]}},
    "search": {"sampler": "grid"},
    "prune": None,
    "replicate": {"seeds": [0, 1, 2]},
    "train": {"iterations": 40, "evaluate_every": 10},
}
CURVES: dict[str, Any] = {
    **GRID,
    "baseline": {"adaptor": "ga"},
    "ablate": {"adaptor": ["ga", "ga+csa"]},
    "tune": {"lambda_sadv": {"type": "grid", "values": [0.1, 1, 10]}},
    "fixed": {"seconds_per_report": 0.1},
    "replicate": {"seeds": [0, 1]},
    "train": {"iterations": 100, "evaluate_every": 10},
}
ADDS_SEEDS: dict[str, Any] = {
    "study": "survival",
    "baseline": {"adaptor": "joint"},
    "ablate": {"adaptor": ["joint", "ga", "ga+csa"], "labeled_images": [5]},
    "compare": {"smallest_difference": 1.5},
    "tune": None,
    "search": None,
    "fixed": {"noise": 2.0, "seconds_per_report": 0.5},
    "replicate": {"seeds": 3, "at_most": 12, "until": "decided"},
}
FIRST_LOOK = 9
"""Trials that it has before it looks: three cells under three seeds."""


@dataclass
class Disturbed:
    """What a study went through."""

    starts: int = 0
    kills: list[float] = field(default_factory=list)
    silences: list[float] = field(default_factory=list)
    """For every trial that ran at a kill, seconds since it last reported or started."""


def run_with_kills(studies: Studies, file: Path, kills: int, seed: int, within: float) -> Disturbed:
    """Run a study to its end; until it was killed often enough, each start is killed at a random moment.

    Most starts are killed up to `within` seconds after they hand out a trial, every fourth one on its way there.
    """
    rng, seen = np.random.default_rng(seed), Disturbed()
    log = studies.folder / "driver.log"
    while True:
        seen.starts += 1
        early = seen.starts % 4 == 0
        with log.open("ab") as output:
            driver = subprocess.Popen(studies.command(file), stdout=output, stderr=subprocess.STDOUT)
        begun = output_of(log).count("\nstart ")
        if len(seen.kills) >= kills:
            assert driver.wait(900) == 0, output_of(log)[-3000:]
            return seen
        while not early and output_of(log).count("\nstart ") == begun:
            assert driver.poll() is None, output_of(log)[-3000:]
            time.sleep(0.1)
        time.sleep(rng.uniform(0.0, within))
        assert driver.poll() is None, output_of(log)[-3000:]
        seen.silences += silences(studies, "survival")
        kill_tree(driver.pid)
        driver.wait()
        seen.kills.append(time.time())
        for folder in (studies.folder / "survival" / "checkpoints").glob("*"):
            assert len(list(folder.iterdir())) <= 2


def output_of(log: Path) -> str:
    return log.read_text(errors="replace")


def silences(studies: Studies, study: str) -> list[float]:
    """Seconds since each running trial was last heard of."""
    heard: dict[str, float] = {}
    for record in outbox(studies, study):
        if record["key"] != "study" and "time" in record:
            heard[record["key"]] = record["time"]
            if record["kind"] == "run_ended":
                del heard[record["key"]]
    return [time.time() - at for at in heard.values()]


@pytest.fixture
def undisturbed(tmp_path: Path, migrated: Path, cluster: Cluster) -> Studies:
    return begin_studies(tmp_path / "undisturbed", migrated, cluster)


@pytest.mark.chaos
def test_a_study_that_was_killed_equals_one_that_was_not(
    studies: Studies, undisturbed: Studies, write_file: Callable[[str], Path]
) -> None:
    file = write_file(curves_file(**{**CURVES, "search": {"sampler": "grid", "train_seeds": [7, 8]}}))
    assert undisturbed.run(file).returncode == 0
    seen = run_with_kills(studies, file, kills=1, seed=1, within=2.0)
    assert seen.starts == 2
    assert_equal_studies(studies, undisturbed, "survival")


@pytest.mark.slow
@pytest.mark.chaos
@pytest.mark.timeout(2400)
def test_twenty_kills_at_random_moments_change_no_bit_of_a_study_of_the_method(
    studies: Studies, undisturbed: Studies, write_file: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_file(method_file(**GRID))
    started = time.monotonic()
    done = undisturbed.run_alone(file, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    took = time.monotonic() - started
    seen = run_with_kills(studies, file, kills=20, seed=2, within=40.0)
    assert_equal_studies(studies, undisturbed, "survival")

    again = reports_trained_again(studies, "survival")
    times = sorted(record["time"] for record in outbox(undisturbed, "survival") if record["kind"] == "metrics")
    interval = 2 * (times[-1] - times[0]) / len(times)
    lost = [min(10.0, 10.0 * silence / interval) for silence in seen.silences]
    with capsys.disabled():
        print(
            f"\n{len(seen.kills)} kills, {seen.starts} starts, undisturbed {took:.0f} s; trials running at the kills: "
            f"{len(lost)}; iterations lost at most {sum(lost):.0f} of {24 * 40}, {np.mean(lost):.1f} a running trial "
            f"and kill (interval 10); reports trained again: {again}"
        )
    assert again <= len(seen.kills) * 2


@pytest.mark.slow
@pytest.mark.chaos
@pytest.mark.timeout(2400)
def test_ten_kills_while_seeds_are_added_change_no_bit_and_no_conclusion(
    studies: Studies, undisturbed: Studies, write_file: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_file(curves_file(**ADDS_SEEDS))
    done = undisturbed.run(file)
    assert done.returncode == 0, done.stdout + done.stderr
    log = studies.folder / "driver.log"
    with log.open("wb") as output:
        driver = subprocess.Popen(studies.command(file), stdout=output, stderr=subprocess.STDOUT)
    while output_of(log).count("\nfinished ") < FIRST_LOOK:
        assert driver.poll() is None, output_of(log)[-3000:]
        time.sleep(0.1)
    kill_tree(driver.pid)
    driver.wait()
    before = replicates(studies)
    seen = run_with_kills(studies, file, kills=10, seed=5, within=4.0)
    assert_equal_studies(studies, undisturbed, "survival")
    conclusions = [one.folder / "survival" / "tables" / "conclusions.json" for one in (studies, undisturbed)]
    assert conclusions[0].read_bytes() == conclusions[1].read_bytes()
    with capsys.disabled():
        print(f"\n{len(seen.kills)} kills with {before} of {replicates(studies)} replicates begun before the first one")
    assert replicates(studies) >= FIRST_LOOK + 6, "seeds were added"


def replicates(studies: Studies) -> int:
    """How many were begun."""
    return sum("key" in trial.user_attrs for trials in studies.ledger("survival").values() for trial in trials)


@pytest.mark.slow
@pytest.mark.chaos
@pytest.mark.timeout(2400)
def test_twenty_kills_under_tpe_lose_nothing_and_train_no_key_twice(
    studies: Studies, write_file: Callable[[str], Path]
) -> None:
    tpe = {
        "tune": {"lambda_sadv": {"type": "choice", "values": [0.1, 0.3, 1, 3, 10, 30]}},
        "search": {"sampler": "tpe", "trials_per_cell": 4},
    }
    run_with_kills(studies, write_file(method_file(**{**GRID, **tpe})), kills=20, seed=3, within=40.0)
    ledger = studies.ledger("survival")
    begun = {name: [t for t in trials if "key" in t.user_attrs] for name, trials in ledger.items()}
    counts = {name: len(trials) for name, trials in begun.items() if trials}
    assert sorted(counts.values()) == [3] * 4 + [4] * 4
    keys = [trial.user_attrs["key"] for trials in begun.values() for trial in trials]
    assert len(keys) == len(set(keys)) == 28
    assert {trial.state.name for trials in begun.values() for trial in trials} == {"COMPLETE"}
    assert {run.info.status for run in studies.runs("survival")} == {"FINISHED"}
    assert len(studies.runs("survival")) == 28
    ended: dict[str, int] = {}
    for record in outbox(studies, "survival"):
        if record["kind"] == "run_ended" and record["key"] != "study":
            ended[record["key"]] = ended.get(record["key"], 0) + 1
    assert set(ended.values()) == {1}


@pytest.mark.slow
@pytest.mark.chaos
@pytest.mark.timeout(1200)
def test_trial_processes_killed_every_few_seconds_leave_a_study_in_which_every_trial_ended(
    studies: Studies, write_file: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    many = {
        "baseline": {"adaptor": "ga+csa"},
        "ablate": {"adaptor": ["ga+csa"], "labeled_images": [5, 50]},
        "tune": {"lambda_sadv": {"type": "grid", "values": [round(0.1 * step, 1) for step in range(1, 99)]}},
        "fixed": {"seconds_per_report": 0.1},
    }
    file = write_file(curves_file(**{**CURVES, **many}))
    driver = subprocess.Popen(studies.command(file), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    rng, killed, lines = np.random.default_rng(4), 0, []
    assert driver.stdout is not None
    next_kill = time.monotonic() + 12.0
    for line in driver.stdout:
        lines.append(line)
        if time.monotonic() > next_kill and (trials := trial_processes(driver.pid)):
            kill_tree(int(rng.choice(trials)))
            killed += 1
            next_kill = time.monotonic() + rng.uniform(5.0, 12.0)
    code = driver.wait()
    trials = [t for ts in studies.ledger("survival").values() for t in ts if "key" in t.user_attrs]
    assert len(trials) == 2 * (98 + 2)
    assert all(trial.state.is_finished() for trial in trials)
    failed = [trial for trial in trials if trial.state.name == "FAIL"]
    retried = sum("process lost" in line for line in lines if line.startswith("notice"))
    lost = sum(line.startswith("failed") for line in lines)
    with capsys.disabled():
        print(f"\n{killed} processes killed in {len(trials)} trials: {retried} tried again, {len(failed)} failed")
    assert len(failed) == lost
    assert code == (1 if failed else 0)
    assert killed >= 10
    assert not [run for run in studies.runs("survival") if run.info.status == "RUNNING"]
    assert sum(run.data.tags["outcome"] == "failed" for run in studies.runs("survival")) == len(failed)
