"""What a trial costs, measured on real ones."""

from __future__ import annotations

from pathlib import Path

from trainables.ass.config import AssConfig
from trainables.ass_trainable import AssTrainable
from trainables.step_time import measure


def test_the_bytes_of_a_running_trial_are_those_of_one_checkpoint_of_which_it_has_two(tmp_path: Path) -> None:
    lengths = {"iterations": 6, "evaluate_every": 2}
    chosen = {"domains": "streets", "profile": "laptop", "seed": 0, "adaptor": "ga+csa", "labeled_images": 5}
    config = AssConfig(**{**AssConfig.profiles()["laptop"], **chosen, **lengths}).model_dump(mode="json")
    measured = measure("ass", config, threads=1, data_root=None)
    settings = {"key": "key", "config": config, "storage": str(tmp_path), "data_root": None, "threads": 1}
    trial = AssTrainable(config=settings)
    for _ in range(2):
        trial.train()
    sizes = [path.stat().st_size for path in (tmp_path / "checkpoints" / "key").iterdir()]
    assert sizes == [measured["running_bytes"]] * 2
