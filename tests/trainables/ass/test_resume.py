"""A trainer's state is complete, and nothing outlives a trainer: all comparisons are bit for bit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from trainables.ass.adaptation import PAPER
from trainables.ass.config import AssConfig
from trainables.ass.trainer import Trainer

Configure = Callable[..., AssConfig]

REPOSITORY = Path(__file__).parents[3]
FIRST, LAST = 3, 6
VARIANTS = {adaptor: {"adaptor": adaptor} for adaptor in (*PAPER, "finetune")} | {
    "mean_teacher": {"adaptor": "mean_teacher", "teacher_confidence": 0.2},
    "ga-csa-mean_teacher": {"adaptor": "ga+csa+mean_teacher", "teacher_confidence": 0.2},
    "adamw-domain": {"optimizer": "adamw", "normalisation": "domain", "lr": 0.003, "clip_norm": 1.0},
}


def reports(trainer: Trainer, pair: Any, iterations: list[int]) -> list[dict[str, Any]]:
    found = []
    for iteration in iterations:
        trained = trainer.train_until(iteration)
        metrics = {name: value for name, value in trained.items() if not name.startswith("speed/")}
        found.append({**metrics, "confusion": torch.from_numpy(trainer.evaluate(pair.target_select))})
    return found


def assert_identical(one: Any, other: Any, where: str = "") -> None:
    assert type(one) is type(other), where
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other), where
    elif isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key in one:
            assert_identical(one[key], other[key], f"{where}/{key}")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), where
        for index, (a, b) in enumerate(zip(one, other, strict=True)):
            assert_identical(a, b, f"{where}/{index}")
    else:
        assert one == other, where


def run_in_new_process(jobs: dict[str, dict[str, Any]], sets: Path, folder: Path) -> dict[str, Any]:
    """The outcomes of jobs, each a configuration, iterations and perhaps a state, trained one after the other."""
    for name, job in jobs.items():
        if "state" in job:
            torch.save(job["state"], folder / f"{name}.pt")
        text = json.dumps({"config": job["config"].model_dump(mode="json"), "iterations": job["iterations"]})
        (folder / f"{name}.json").write_text(text)
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    script = REPOSITORY / "tests" / "support" / "train_in_process.py"
    subprocess.run([sys.executable, script, sets, folder], check=True, env=environment)
    return {name: torch.load(folder / f"{name}.done", weights_only=True) for name in jobs}


def test_a_new_process_trains_as_this_one_does_from_the_start_and_from_a_saved_state(
    configure: Configure, tiny_pair: Any, tiny_folder: Path, tmp_path: Path
) -> None:
    """Its first trainer is fresh, while this process had others before; the rest go on where trainers here stopped."""
    before = torch.get_rng_state()
    Trainer(configure(seed=8, dtype="bfloat16"), tiny_pair).train_until(2)
    assert torch.equal(torch.get_rng_state(), before)
    fresh = Trainer(configure(), tiny_pair)
    jobs: dict[str, Any] = {"0-fresh": {"config": configure(), "iterations": [FIRST, LAST]}}
    expected = {"0-fresh": {"reports": reports(fresh, tiny_pair, [FIRST, LAST]), "state": fresh.state_dict()}}
    for name, changes in VARIANTS.items():
        config = configure(**changes)
        interrupted = Trainer(config, tiny_pair)
        interrupted.train_until(FIRST - 1)
        interrupted.step()
        jobs[name] = {"config": config, "state": interrupted.state_dict(), "iterations": [LAST - 1, LAST]}
        whole = Trainer(config, tiny_pair)
        whole.train_until(FIRST - 1)
        expected[name] = {"reports": reports(whole, tiny_pair, [LAST - 1, LAST]), "state": whole.state_dict()}
    for name, found in run_in_new_process(jobs, tiny_folder, tmp_path).items():
        assert_identical(found, expected[name], name)


def test_evaluation_in_between_changes_nothing(configure: Configure, tiny_pair: Any) -> None:
    states = []
    for evaluate in (False, True):
        trainer = Trainer(configure(), tiny_pair)
        trainer.train_until(FIRST)
        if evaluate:
            trainer.evaluate(tiny_pair.target_report)
        trainer.train_until(LAST)
        states.append(trainer.state_dict())
    assert_identical(*states)
