"""Step times: measured in a process of their own, once per machine and kind of trial."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ass_tune.plan.step_time import FILE, MeasurementFailed, StepTime, _remember, measured, remembered
from trainables.curves import CurvesConfig

PROJECT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ASS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def config(**fields: Any) -> CurvesConfig:
    length = {"domains": "synthetic", "profile": "synthetic", "seed": 0, "iterations": 100, "evaluate_every": 10}
    return CurvesConfig(**{**length, **fields})


def test_a_step_is_measured_once_and_remembered_in_the_cache(cache: Path) -> None:
    slow = config(seconds_per_report=0.02, adaptor="ga")
    assert remembered("curves", [slow], threads=1) == [None]
    [time] = measured("curves", [slow], threads=1, data_root=None)
    assert time.seconds_per_report + 12 * time.seconds_per_iteration > 0.02
    assert min(time.seconds_per_iteration, time.seconds_per_report, time.seconds_to_start) >= 0
    assert remembered("curves", [slow], threads=1) == [time]
    assert time.device_bytes is None
    assert {path.name for path in cache.iterdir()} <= {FILE, f"{FILE}.lock"}

    # what is remembered is not measured again
    known = json.loads((cache / FILE).read_text())
    (cache / FILE).write_text(json.dumps({kind: {**found, "running_bytes": 7.5} for kind, found in known.items()}))
    assert measured("curves", [slow], threads=1, data_root=None)[0].running_bytes == 7.5

    alike = [config(seed=3), config(iterations=900, evaluate_every=90), config(labeled_images=5), config(lr=0.1)]
    alike = [each.model_copy(update={"adaptor": "ga"}) for each in alike]
    assert all(time is not None for time in remembered("curves", alike, threads=1))
    other = [config(adaptor="joint"), config(adaptor="ga", labeled_images=0), config(adaptor="ga", fail_at=90)]
    assert remembered("curves", other, threads=1) == [None] * 3
    assert remembered("curves", [slow], threads=2) == [None]


def test_a_measurement_that_fails_says_why_and_leaves_nothing(cache: Path) -> None:
    with pytest.raises(MeasurementFailed, match=r"^RuntimeError: asked to fail at iteration 4$"):
        measured("curves", [config(fail_at=4)], threads=1, data_root=None)
    assert not cache.exists()


@pytest.mark.parametrize("damage", ["{", "[]", '{"kind": {"seconds_per_iteration": -1}}', "NaN", "\xff", ""])
def test_a_damaged_file_is_put_aside_with_a_notice_and_what_it_held_is_measured_again(
    cache: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    cache.mkdir()
    (cache / FILE).write_text(damage, encoding="latin-1")
    assert remembered("curves", [config()], threads=1) == [None]
    assert (cache / "step_times.damaged-1").read_text(encoding="latin-1") == damage
    [notice] = caplog.messages
    assert notice.endswith(f"{FILE} is damaged and now step_times.damaged-1: steps are measured again")

    assert remembered("curves", [config()], threads=1) == [None]
    _remember({"kind": StepTime.of_training(1.0)})
    (cache / FILE).write_text(damage, encoding="latin-1")
    _remember({"other": StepTime.of_training(2.0)})
    assert json.loads((cache / FILE).read_text()).keys() == {"other"}
    assert (cache / "step_times.damaged-2").exists()


def test_the_time_of_a_trial_is_the_sum_of_its_parts() -> None:
    time = StepTime(
        seconds_per_iteration=0.5, seconds_per_report=3.0, seconds_to_start=10.0, running_bytes=0, finished_bytes=0
    )
    assert time.seconds(iterations=100, reports=4) == 10 + 100 * 0.5 + 4 * 3


REMEMBERING = """
import sys
from ass_tune.plan.step_time import StepTime, _remember
print("ready", flush=True)
sys.stdin.readline()
for number in range(20):
    _remember({f"{sys.argv[1]}-{number}": StepTime.of_training(number)})
"""


def test_what_two_processes_measure_at_once_is_all_remembered(cache: Path) -> None:
    pipe = subprocess.PIPE
    processes = [
        subprocess.Popen([sys.executable, "-c", REMEMBERING, name], stdin=pipe, stdout=pipe, text=True, cwd=PROJECT)
        for name in "ab"
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.wait(60) for process in processes] == [0, 0]
    known = json.loads((cache / FILE).read_text())
    assert known.keys() == {f"{name}-{number}" for name in "ab" for number in range(20)}
