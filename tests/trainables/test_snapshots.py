"""The last and the best snapshot of a trial: both are evaluated, the select split chooses, one is the result."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch

from tests.trainables.test_ass_trainable import checkpoints_in, settings, trained, without_speed
from trainables.ass.trainer import Trainer
from trainables.ass_trainable import AssTrainable
from trainables.confusions import confusions_from_parquet
from trainables.contract import TrialTask
from trainables.curves import CurvesConfig
from trainables.curves_trainable import CurvesTrainable
from trainables.learning_curve import measured
from trainables.snapshots import BestEvaluation
from trainables.storage import Storage

pytestmark = pytest.mark.costly

PEAK = {"seed": 3, "lr": 0.03, "schedule_iterations": 6}
"""A trial whose select mIoU is highest at the second of its three reports, by three points."""


@dataclass(frozen=True)
class Peaked:
    """A trial of a study folder, with all of its reports, and the iteration of each evaluation of a split."""

    folder: Path
    reports: list[dict[str, float]]
    evaluations: list[int]


def run(folder: Path, **values: Any) -> Peaked:
    config = settings(folder, "key", **PEAK, **values)
    reports = config["config"]["iterations"] // config["config"]["evaluate_every"]
    evaluations: list[int] = []
    evaluate = Trainer.evaluate

    def counted(trainer: Trainer, packed: Any) -> np.ndarray:
        evaluations.append(trainer.iteration)
        return evaluate(trainer, packed)

    with patch.object(Trainer, "evaluate", counted):
        return Peaked(folder, trained(AssTrainable(config=config), reports), evaluations)


@pytest.fixture(scope="module")
def best(tmp_path_factory: pytest.TempPathFactory) -> Peaked:
    return run(tmp_path_factory.mktemp("best"), snapshot="best_on_select")


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Peaked:
    """The same trial, had it ended at its peak."""
    return run(tmp_path_factory.mktemp("stopped"), iterations=4)


def network_in(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "results/key/network.pt", weights_only=True)


def miou_of_the_counts_in(folder: Path) -> float:
    found = confusions_from_parquet(Storage(str(folder)).read_bytes("results/key/report_confusions.parquet"))
    total = found.counts.sum(axis=0)
    union = total.sum(0) + total.sum(1) - total.diagonal()
    return float(np.mean(100 * total.diagonal()[union > 0] / union[union > 0]))


def test_of_equal_evaluations_the_earliest_is_the_best() -> None:
    best = BestEvaluation()
    assert [best.improves(at, miou) for at, miou in ((2, 5.0), (4, 7.0), (6, 7.0), (8, 6.0))] == [True, True] + 2 * [
        False
    ]
    assert best == BestEvaluation(4, 7.0)


def test_the_best_snapshot_is_the_network_of_a_trial_that_ended_at_the_peak(best: Peaked, stopped: Peaked) -> None:
    curve = [report["select/miou"] for report in best.reports]
    assert curve[1] > curve[2] + 1, "this trial has no peak"
    last, ended = best.reports[-1], stopped.reports[-1]
    assert last["snapshot/best_iteration"] == 4
    assert last["report/miou"] == last["report/miou_best_on_select"] == ended["report/miou"]
    assert last["report/miou_last"] != ended["report/miou"]
    classes = [name for name in ended if name.startswith("report/iou/")]
    assert [last[name] for name in classes] == [ended[name] for name in classes]
    ours, theirs = network_in(best.folder), network_in(stopped.folder)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert miou_of_the_counts_in(best.folder) == pytest.approx(last["report/miou"])


def test_both_settings_record_both_snapshots_and_differ_in_what_is_reported_and_chosen_by(
    best: Peaked, tmp_path: Path
) -> None:
    last = run(tmp_path)
    of_last, of_best = last.reports, best.reports
    assert of_last[:2] == of_best[:2]
    for name in ("report/miou_last", "report/miou_best_on_select", "snapshot/best_iteration", "select/miou"):
        assert of_last[-1][name] == of_best[-1][name]
    assert of_last[-1]["report/miou"] == of_last[-1]["report/miou_last"]
    assert of_last[-1]["snapshot/select_miou"] == of_last[-1]["select/miou"]
    assert of_best[-1]["snapshot/select_miou"] == of_best[1]["select/miou"]
    assert miou_of_the_counts_in(tmp_path) == pytest.approx(of_last[-1]["report/miou"])
    assert last.evaluations == [2, 4, 6, 6, 6], "at the end the select split once, the report split once per snapshot"


def test_a_trial_that_is_best_at_its_end_is_evaluated_once(stopped: Peaked) -> None:
    before, last = stopped.reports
    assert last["select/miou"] > before["select/miou"]
    assert stopped.evaluations == [2, 4, 4], "at the end each split once"
    assert last["report/miou_last"] == last["report/miou_best_on_select"] == last["report/miou"]


@pytest.mark.parametrize("done", [1, 2], ids=["before the peak", "after the peak"])
def test_the_best_snapshot_outlives_the_process(done: int, best: Peaked, tmp_path: Path) -> None:
    config = settings(tmp_path, "key", snapshot="best_on_select", **PEAK)
    trained(AssTrainable(config=config), done)
    assert trained(AssTrainable(config=config), 3 - done + 1) == best.reports[done - 1 :]
    network = "results/key/network.pt"
    assert (tmp_path / network).read_bytes() == (best.folder / network).read_bytes()


def test_the_best_snapshot_of_a_trial_is_not_that_of_the_next_in_its_actor(tmp_path: Path) -> None:
    trial = AssTrainable(config=settings(tmp_path / "a", "first", snapshot="best_on_select", **PEAK))
    trained(trial, 2)
    assert trial.reset(settings(tmp_path / "b", "key", snapshot="best_on_select", **{**PEAK, "lr": 0.0}))
    last = trained(trial, 3)[-1]
    assert last["snapshot/best_iteration"] == 2
    assert last["snapshot/select_miou"] < 10


def test_a_checkpoint_holds_the_best_network_and_nothing_of_it_on_the_device(tmp_path: Path) -> None:
    trial = AssTrainable(config=settings(tmp_path, "key", **PEAK))
    trial.train()
    with_best = torch.load(checkpoints_in(tmp_path)[-1], weights_only=True)
    weights = with_best["best"]["weights"]
    assert weights.keys() == trial._trainer.model.network.state_dict().keys()
    assert {value.device.type for value in weights.values()} == {"cpu"}
    trial.train()
    kept = torch.load(checkpoints_in(tmp_path)[-1], weights_only=True)["trainer"]["model"]
    assert not all(torch.equal(value, kept[f"network.{name}"]) for name, value in weights.items())


@pytest.mark.parametrize("snapshot", ["last", "best_on_select"])
def test_curves_have_both_snapshots_too(snapshot: str) -> None:
    length = {"domains": "synthetic", "profile": "synthetic", "seed": 1, "iterations": 100, "evaluate_every": 10}
    config = CurvesConfig.model_validate({**length, "noise": 5.0, "lr": 0.2, "snapshot": snapshot})
    task = TrialTask(trainable="curves", key="key", config=config.model_dump(mode="json"), storage="nowhere")
    trial = CurvesTrainable(config=task.model_dump())
    metrics = [without_speed(trial.step()["metrics"]) for _ in range(10)]
    curve = {10 * (index + 1): report["select/miou"] for index, report in enumerate(metrics)}
    best = max(curve, key=lambda at: curve[at])
    assert best < 100, "this curve has no peak"
    last = metrics[-1]
    assert last["snapshot/best_iteration"] == best
    assert last["report/miou_last"] == measured(config, "report", 100)
    assert last["report/miou_best_on_select"] == measured(config, "report", best)
    assert last["report/miou"] == last[f"report/miou_{snapshot}"]
    assert last["snapshot/select_miou"] == curve[best if snapshot == "best_on_select" else 100]
