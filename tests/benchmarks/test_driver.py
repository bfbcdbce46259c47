from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ass_tune.ledger.ledger import JOURNAL, entries_of, open_to_read
from ass_tune.plan.study_plan import make_plan
from ass_tune.spec import load
from benchmarks import driver, driver_ledger
from benchmarks.command_line import Result, run_parts
from benchmarks.driver_studies import STUDY, Samples, Size
from benchmarks.driver_workers import Idle, Training, Work, idle_shares
from tests.support.journals import optunas, state
from trainables.words import Outcome


def test_throughput_is_compared_between_the_two_ends_of_a_study() -> None:
    steady = np.arange(100.0)
    assert driver.late_over_early(steady) == 1.0
    assert driver.late_over_early(np.concatenate([steady[:50], 50 + 2 * steady[:50]])) == 0.5


def test_memory_of_a_trial_is_the_slope_after_the_beginning(tmp_path: Path) -> None:
    samples = Samples(tmp_path, bytes=[1000, *(10_000 + 70 * n for n in range(2, 11))], ended=list(range(1, 11)))
    assert driver.bytes_per_trial(samples) == pytest.approx(70)


def test_what_workers_wait_for_is_told_apart() -> None:
    """Two workers, of which one gets a second trial; all in seconds, of which each report takes 10."""
    quick = Training(handed_out=100.0, reports=(112.0, 123.0))  # starts for 2 s, and waits 1 s for its second report
    slow = Training(handed_out=101.0, reports=(115.0, 125.0))
    further = Training(handed_out=126.0, reports=(140.0,))  # 3 s after a worker is free, and 4 s later it trains
    whole = 2 * 40.0
    expected = Idle(
        starts=(2 + 5) / whole, reports=1 / whole, trials=4 / whole, choices=3 / whole, last_round=15 / whole
    )
    found = idle_shares([further, slow, quick], 2, 10.0)
    assert vars(found) == pytest.approx(vars(expected))
    assert found.all == pytest.approx(1 - 5 * 10.0 / whole), "five reports were trained"


def test_work_is_that_between_two_times() -> None:
    work = Work(times=[0.0, 10.0, 20.0], driver=[1.0, 6.0, 7.0], writer=[0.0, 0.0, 4.0])
    assert work.between(5.0, 20.0) == (3.5, 4.0)


def test_a_ledger_of_many_trials_is_one_that_a_study_left(tmp_path: Path) -> None:
    file = driver_ledger.write_ledger(tmp_path, 50, 3)
    ledger = open_to_read(tmp_path / STUDY)
    assert ledger is not None
    assert state(ledger, times=True) == state(optunas(tmp_path / STUDY / JOURNAL), times=True)
    entries = [entry for found in entries_of(ledger).values() for entry in found]
    assert len({entry.key for entry in entries}) == len(entries) == 50
    assert {(entry.outcome, len(entry.curve)) for entry in entries} == {(Outcome.FINISHED, 3)}
    assert {entry.config["lr"] == entry.hyperparameters["lr"] for entry in entries} == {True}
    spec = load(file)
    trial = driver_ledger.resumed(spec, make_plan(spec, None, measure=False), tmp_path).next_trial()
    assert trial is not None
    assert trial.number == 2, "the cell with the fewest trials has two"


def test_one_part_can_be_measured_alone(tmp_path: Path) -> None:
    done: list[str] = []

    def part(name: str, figure: float) -> Result:
        done.append(name)
        return Result([name], {name: figure})

    parts = {"a": lambda quick: part("a", 1.0), "b": lambda quick: part("b", 2.0 if quick else 3.0)}
    file = tmp_path / "figures.json"
    assert run_parts("driver", None, parts, ["--json", str(file)]) == 0
    assert json.loads(file.read_text()) == {"figures": {"a": 1.0, "b": 3.0}}
    assert run_parts("driver", None, parts, ["--quick", "--only", "b", "--json", str(file)]) == 0
    assert json.loads(file.read_text()) == {"figures": {"b": 2.0}}
    assert done == ["a", "b", "b"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_each_part_measures_real_drivers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = {driver.OURS: Size(8, 2), driver.PEER: Size(2, 2)}
    monkeypatch.setattr(driver, "OF_TRIALS", small)
    monkeypatch.setattr(driver, "OF_REPORTS", small)
    monkeypatch.setattr(driver, "QUICK_MANY", Size(40, 2))
    monkeypatch.setattr(driver, "OF_WORKERS", {workers: Size(4, 2, 1, 1, 0.1) for workers in driver.QUICK_WORKERS})
    monkeypatch.setattr(driver, "LEDGER_TRIALS", 40)
    monkeypatch.setattr(driver, "OVERHEAD_TRIALS", 4)
    monkeypatch.setattr(driver, "OVERHEAD_ITERATIONS", 4)
    file = tmp_path / "figures.json"
    assert run_parts("driver", None, driver.PARTS, ["--quick", "--json", str(file)]) == 0
    figures = json.loads(file.read_text())["figures"]
    ratios = {"trials_ratio", "trials_per_s", "reports_ratio", "reports_per_s"}
    idle = {"idle_share_1", "idle_share_4"}
    others = {"overhead", "late_over_early_throughput", "bytes_per_trial", "resume_28k_s"}
    assert set(figures) == ratios | idle | others
    assert all(figures[name] > 0 for name in ratios)
    assert all(0 < figures[name] < 1 for name in idle)
