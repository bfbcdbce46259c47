"""Trains the tiny pair in a process of its own: what the tests compare with training in theirs.

Arguments: folder of packed sets, folder of jobs. Each `<name>.json` there has a configuration and the iterations to
report at, `<name>.pt`, if there is one, the state to go on from; `<name>.done` gets the outcome.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from trainables.ass.config import AssConfig
from trainables.ass.trainer import Trainer
from trainables.domains.packed import open_packed


def outcome(trainer: Trainer, pair: Any, iterations: list[int]) -> dict[str, Any]:
    """Everything reported at each of the iterations but the speed, and the last state."""
    reports = []
    for iteration in iterations:
        trained = trainer.train_until(iteration)
        metrics = {name: value for name, value in trained.items() if not name.startswith("speed/")}
        reports.append({**metrics, "confusion": torch.from_numpy(trainer.evaluate(pair.target_select))})
    return {"reports": reports, "state": trainer.state_dict()}


def _pair(folder: Path) -> Any:
    sets = {file.stem: open_packed(file) for file in folder.glob("*.arrow")}
    return SimpleNamespace(classes=range(4), pool=lambda protocol: len(sets["target_train"]), **sets)


def main(sets: Path, jobs: Path) -> None:
    """Run all jobs."""
    torch.set_num_threads(1)
    for path in sorted(jobs.glob("*.json")):
        job = json.loads(path.read_text())
        pair = _pair(sets)
        trainer = Trainer(AssConfig(**job["config"]), pair)
        if (saved := path.with_suffix(".pt")).exists():
            trainer.load_state_dict(torch.load(saved, weights_only=True))
        torch.save(outcome(trainer, pair, job["iterations"]), path.with_suffix(".done"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
