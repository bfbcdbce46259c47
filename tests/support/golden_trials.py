"""Small real trials whose numbers are kept in `tests/trainables/golden.json`.

`python -m tests.support.golden_trials` records them anew, after a change that is meant to alter outcomes.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from trainables.ass.config import AssConfig
from trainables.registry import TRAINABLES

FILE = Path(__file__).parents[1] / "trainables" / "golden.json"
STUDY = {"seed": 3, "iterations": 6, "evaluate_every": 3}


def golden_trials() -> dict[str, dict[str, Any]]:
    """For each trial the version of the code, and all metrics of each report but speed and IoU of single classes."""
    return {name: _trial(trainable, values) for name, (trainable, values) in _configurations().items()}


def _configurations() -> dict[str, tuple[str, dict[str, Any]]]:
    """Trainable and values of each trial."""
    method = {**AssConfig.profiles()["laptop"], "labeled_images": 5, "device": "cpu"}
    on_streets = {**STUDY, **method, "domains": "streets", "profile": "laptop"}
    return {
        "ass": ("ass", {**on_streets, "adaptor": "ga+csa"}),
        "mean_teacher": ("ass", {**on_streets, "adaptor": "mean_teacher", "teacher_confidence": 0.1}),
        "finetune": ("ass", {**on_streets, "adaptor": "finetune", "source_share": 0.7}),
        "curves": ("curves", {**STUDY, "adaptor": "ga+csa", "domains": "synthetic", "profile": "synthetic"}),
    }


def _trial(trainable: str, values: dict[str, Any]) -> dict[str, Any]:
    entry = TRAINABLES[trainable]
    config = entry.config(**values)
    with tempfile.TemporaryDirectory() as folder:
        trial = entry.ray_class(
            config={
                "trainable": trainable,
                "key": "golden",
                "config": config.model_dump(mode="json"),
                "storage": folder,
                "data_root": None,
                "threads": 1,
                "gpus": 0,
            }
        )
        reports = [trial.train()["metrics"] for _ in range(config.iterations // config.evaluate_every)]
        trial.stop()
    return {
        "version": config.code_version(config.domains),
        "reports": [{name: value for name, value in report.items() if _is_kept(name)} for report in reports],
    }


def _is_kept(metric: str) -> bool:
    return not metric.startswith("speed/") and "/iou/" not in metric


if __name__ == "__main__":
    FILE.write_text(json.dumps(golden_trials(), indent=2) + "\n")
