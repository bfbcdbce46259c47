"""The method as a Ray trainable, outside Ray: reuse, resume and what a trial leaves in the study folder."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.preempted import run_preempted
from trainables.ass.config import AssConfig
from trainables.ass_trainable import AssTrainable
from trainables.cache import cache_folder
from trainables.contract import TrialTask
from trainables.domains.pack import OtherData
from trainables.storage import Storage

RUN_FRESH = """
import json, sys
from trainables.ass_trainable import AssTrainable
trial = AssTrainable(config=json.loads(sys.argv[1]))
results = [trial.train() for _ in range(int(sys.argv[2]))]
print(json.dumps([result["metrics"] for result in results]))
"""


def settings(folder: Path, key: str, **values: Any) -> dict[str, Any]:
    reserved = {"domains": "streets", "profile": "laptop", "seed": 3, "iterations": 6, "evaluate_every": 2}
    chosen = {**AssConfig.profiles()["laptop"], "adaptor": "ga+csa", "labeled_images": 5, **reserved, **values}
    config = AssConfig(**chosen).model_dump(mode="json")
    return TrialTask(trainable="ass", key=key, config=config, storage=str(folder)).model_dump()


def without_speed(metrics: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if not name.startswith("speed/")}


def in_fresh_process(trial_settings: dict[str, Any], reports: int) -> list[dict[str, float]]:
    done = subprocess.run(
        [sys.executable, "-c", RUN_FRESH, json.dumps(trial_settings), str(reports)],
        capture_output=True,
        text=True,
        check=True,
    )
    return [without_speed(metrics) for metrics in json.loads(done.stdout.splitlines()[-1])]


def trained(trial: AssTrainable, reports: int) -> list[dict[str, float]]:
    return [without_speed(trial.train()["metrics"]) for _ in range(reports)]


def test_a_trial_is_not_trained_on_other_data_than_its_key_is_for(tmp_path):
    task = {**settings(tmp_path, "other"), "data": {"source": "0" * 16}}
    with pytest.raises(OtherData, match="expected 0000000000000000"):
        AssTrainable(config=task).train()


@pytest.fixture(scope="module")
def in_another_process(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, float]]:
    return in_fresh_process(settings(tmp_path_factory.mktemp("fresh"), "second"), 3)


@pytest.mark.parametrize("before", ["oracle", "ga+fcsa"])
def test_a_trial_in_a_reused_actor_equals_the_same_trial_in_a_fresh_process_bit_for_bit(
    before, tmp_path, in_another_process
):
    trial = AssTrainable(config=settings(tmp_path / "a", "first", adaptor=before, seed=8))
    trained(trial, 2)
    assert trial.reset(settings(tmp_path / "a", "second"))
    assert trained(trial, 3) == in_another_process


@dataclass(frozen=True)
class Undisturbed:
    """A trial from beginning to end."""

    results: list[dict[str, Any]]
    folder: Storage

    @property
    def metrics(self) -> list[dict[str, float]]:
        return [without_speed(result["metrics"]) for result in self.results]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    folder = tmp_path_factory.mktemp("undisturbed")
    trial = AssTrainable(config=settings(folder, "key"))
    return Undisturbed([trial.train() for _ in range(3)], Storage(str(folder)))


@pytest.fixture
def cut(tmp_path: Path) -> Path:
    """The folder of a trial that was killed after two of its three reports."""
    trained(AssTrainable(config=settings(tmp_path / "cut", "key")), 2)
    return tmp_path / "cut"


def checkpoints_in(folder: Path) -> list[Path]:
    return sorted((folder / "checkpoints" / "key").iterdir())


def equal_results(folder: Path, undisturbed: Undisturbed) -> bool:
    names = undisturbed.folder.list("results/key")
    ours = Storage(str(folder))
    return all(ours.read_bytes(name) == undisturbed.folder.read_bytes(name) for name in names)


def test_a_continued_trial_reports_again_what_it_was_saved_with_and_goes_on_as_if_nothing_had_happened(
    tmp_path, undisturbed
):
    before = AssTrainable(config=settings(tmp_path, "key"))
    reports = [before.train() for _ in range(2)]
    trial = AssTrainable(config=settings(tmp_path, "key"))
    again = trial.train()
    for name in ("iteration", "time", "metrics"):
        assert again[name] == reports[1][name]
    assert "notices" not in again
    assert trained(trial, 1) == undisturbed.metrics[2:]
    assert equal_results(tmp_path, undisturbed)


def test_a_damaged_checkpoint_costs_one_report_interval_and_changes_no_number(cut, undisturbed):
    older, newer = checkpoints_in(cut)
    os.truncate(newer, newer.stat().st_size // 2)
    trial = AssTrainable(config=settings(cut, "key"))
    results = [trial.train() for _ in range(3)]
    assert [result["iteration"] for result in results] == [2, 4, 6]
    assert [without_speed(result["metrics"]) for result in results] == undisturbed.metrics
    assert equal_results(cut, undisturbed)
    (notice,) = results[0]["notices"]
    assert older.name in notice
    assert newer.name in notice
    assert not any("notices" in result for result in results[1:])


def test_a_trial_whose_checkpoints_are_all_damaged_begins_anew_and_says_so(cut, undisturbed):
    for path in checkpoints_in(cut):
        path.write_bytes(path.read_bytes()[::-1])
    trial = AssTrainable(config=settings(cut, "key"))
    results = [trial.train() for _ in range(3)]
    assert [without_speed(result["metrics"]) for result in results] == undisturbed.metrics
    assert [len(result.get("notices", ())) for result in results] == [2, 0, 0]


def test_what_a_continued_trial_would_report_again_is_not_reported_by_the_next_in_its_actor(cut, tmp_path, undisturbed):
    newest = checkpoints_in(cut)[-1]
    newest.write_bytes(newest.read_bytes() + b"x")
    trial = AssTrainable(config=settings(cut, "key"))
    assert trial.reset(settings(tmp_path / "next", "key"))
    first = trial.train()
    assert without_speed(first["metrics"]) == undisturbed.metrics[0]
    assert "notices" not in first


def test_a_damaged_pack_is_made_again_with_a_notice_and_changes_no_number(tmp_path, undisturbed, monkeypatch):
    shutil.copytree(cache_folder(), tmp_path / "cache")
    (pack,) = (tmp_path / "cache").glob("streets-target_select-*/*.arrow")
    content = bytearray(pack.read_bytes())
    content[len(content) // 2] ^= 255
    pack.write_bytes(content)
    monkeypatch.setenv("ASS_CACHE", str(tmp_path / "cache"))
    result = AssTrainable(config=settings(tmp_path / "study", "key")).train()
    assert without_speed(result["metrics"]) == undisturbed.metrics[0]
    (notice,) = result["notices"]
    assert pack.name in notice


def test_a_running_trial_keeps_two_checkpoints_and_a_finished_one_leaves_its_results(undisturbed):
    folder, last = undisturbed.folder, undisturbed.results[-1]
    assert [path.name[:9] for path in checkpoints_in(folder.local_path())] == ["000000002", "000000004"]
    assert last["final"]
    assert last["artifacts"] == [
        f"results/key/{name}" for name in ("report_confusions.parquet", "panel.png", "predictions.parquet")
    ]
    assert folder.list("results/key") == sorted([*last["artifacts"], "results/key/network.pt"])


def test_a_loss_that_is_not_finite_ends_the_trial_with_its_name(tmp_path):
    result = AssTrainable(config=settings(tmp_path, "key", lr=1e30)).train()
    assert "loss/" in result["diverged"]
    assert "metrics" not in result


def test_under_the_papers_protocol_the_report_split_selects(tmp_path):
    trial = AssTrainable(config=settings(tmp_path, "key", protocol="paper"))
    metrics = trained(trial, 3)[-1]
    assert metrics["select/miou"] == metrics["report/miou"]


def test_a_trial_that_was_preempted_twenty_times_is_the_same_bit_for_bit(tmp_path, monkeypatch):
    """Between iterations, before it is evaluated, and while the network of its best report is."""
    values = {"iterations": 16, "evaluate_every": 4, "snapshot": "best_on_select"}
    trial = AssTrainable(config=settings(tmp_path / "undisturbed", "key", **values))
    expected = Undisturbed([trial.step() for _ in range(4)], Storage(str(tmp_path / "undisturbed")))
    found = run_preempted(
        lambda: AssTrainable(config=settings(tmp_path / "preempted", "key", **values)),
        "trainables.ass.trainer",
        range(2, 42, 2),
        monkeypatch,
        signal.SIGTERM,
    )
    assert found.handed_back == 20
    assert [without_speed(report["metrics"]) for report in found.reports] == expected.metrics
    assert equal_results(tmp_path / "preempted", expected)
