"""The method as a Ray trainable, outside Ray: reuse, resume and what a trial leaves in the study folder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from trainables.ass.config import AssConfig
from trainables.ass_trainable import AssTrainable
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
    return {"key": key, "config": config, "storage": str(folder), "data_root": None, "threads": 1}


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


@pytest.mark.parametrize("before", ["oracle", "ga+fcsa"])
def test_a_trial_in_a_reused_actor_equals_the_same_trial_in_a_fresh_process_bit_for_bit(before, tmp_path):
    trial = AssTrainable(config=settings(tmp_path / "a", "first", adaptor=before, seed=8))
    trained(trial, 2)
    assert trial.reset(settings(tmp_path / "a", "second"))
    assert trained(trial, 3) == in_fresh_process(settings(tmp_path / "b", "second"), 3)


def test_a_trial_goes_on_from_its_checkpoint_as_if_nothing_had_happened(tmp_path):
    trained(AssTrainable(config=settings(tmp_path / "cut", "key")), 2)
    rest = trained(AssTrainable(config=settings(tmp_path / "cut", "key")), 1)
    assert rest == trained(AssTrainable(config=settings(tmp_path / "whole", "key")), 3)[2:]


def test_a_running_trial_keeps_one_checkpoint_and_a_finished_one_leaves_its_results(tmp_path):
    folder = Storage(str(tmp_path))
    trial = AssTrainable(config=settings(tmp_path, "key"))
    trained(trial, 2)
    assert folder.list("checkpoints/key") == ["checkpoints/key/000000004.pt"]
    last = trial.train()
    assert last["final"]
    assert last["artifacts"] == ["results/key/report_confusions.parquet", "results/key/panel.png"]
    assert folder.list("results/key") == sorted([*last["artifacts"], "results/key/network.pt"])


def test_a_loss_that_is_not_finite_ends_the_trial_with_its_name(tmp_path):
    result = AssTrainable(config=settings(tmp_path, "key", lr=1e30)).train()
    assert "loss/" in result["diverged"]
    assert "metrics" not in result


def test_under_the_papers_protocol_the_report_split_selects(tmp_path):
    trial = AssTrainable(config=settings(tmp_path, "key", protocol="paper"))
    metrics = trained(trial, 3)[-1]
    assert metrics["select/miou"] == metrics["report/miou"]
