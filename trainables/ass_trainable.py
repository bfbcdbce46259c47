"""The method as a Ray trainable: a trial that reports, saves itself and leaves nothing behind in its process."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ray import tune

from trainables.ass.config import AssConfig
from trainables.ass.metrics import iou_per_class, miou
from trainables.ass.records import Diverged
from trainables.ass.trainer import Trainer
from trainables.cache import cache_folder
from trainables.confusions import confusions_to_parquet
from trainables.domains.packed import PackedSet
from trainables.domains.pairs import open_pair
from trainables.panel import panel_png
from trainables.storage import Storage

PANEL_IMAGES = 3


class AssTrainable(tune.Trainable):
    """One trial of the method; Ray calls `step` once per report."""

    def setup(self, config: dict[str, Any]) -> None:
        """Build the trial from its settings, or continue it from the newest checkpoint in the study folder."""
        torch.set_num_threads(config["threads"])
        self._trial_config = AssConfig(**config["config"])
        self._folder = Storage(config["storage"])
        self._trial_key = config["key"]
        data_root = Path(config["data_root"]) if config["data_root"] else None
        self._pair = open_pair(self._trial_config.domains, cache_folder(), data_root)
        self._trainer = Trainer(self._trial_config, self._pair)
        if saved := self._checkpoints():
            state = torch.load(io.BytesIO(self._folder.read_bytes(saved[-1])), weights_only=True)
            self._trainer.load_state_dict(state)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next trial in the same process: everything of the last one is built anew."""
        self.setup(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Train to the next report."""
        settings, trainer = self._trial_config, self._trainer
        try:
            metrics = trainer.train_until(trainer.iteration + settings.evaluate_every)
        except Diverged as diverged:
            return {"iteration": trainer.iteration, "time": time.time(), "diverged": str(diverged)}
        select = self._pair.target_report if settings.protocol == "paper" else self._pair.target_select
        metrics |= self._split_metrics("select", trainer.evaluate(select))
        result: dict[str, Any] = {"iteration": trainer.iteration, "metrics": metrics}
        if trainer.iteration >= settings.iterations:
            result |= {"final": True, "artifacts": self._finish(metrics)}
        else:
            self._save()
        return {**result, "time": time.time()}

    def _finish(self, metrics: dict[str, float]) -> list[str]:
        report = self._pair.target_report
        confusions = self._trainer.evaluate(report)
        metrics |= self._split_metrics("report", confusions)
        artifacts = {
            f"results/{self._trial_key}/report_confusions.parquet": confusions_to_parquet(
                confusions, report.names, self._pair.classes.names
            ),
            f"results/{self._trial_key}/panel.png": self._panel(report),
            f"results/{self._trial_key}/network.pt": _saved(self._trainer.model.network.state_dict()),
        }
        for name, content in artifacts.items():
            self._folder.write_bytes(name, content)
        return [name for name in artifacts if not name.endswith(".pt")]

    def _panel(self, report: PackedSet) -> bytes:
        chosen = np.linspace(0, len(report) - 1, PANEL_IMAGES).astype(int)
        images = np.ascontiguousarray(report.images[chosen])
        return panel_png(images, report.labels[chosen], self._trainer.predict(images), self._pair.classes)

    def _split_metrics(self, split: str, confusions: np.ndarray) -> dict[str, float]:
        total = confusions.sum(axis=0)
        named = zip(self._pair.classes.names, iou_per_class(total), strict=True)
        return {f"{split}/miou": miou(total)} | {f"{split}/iou/{name}": float(iou) for name, iou in named if iou == iou}

    def _save(self) -> None:
        """Save the whole state, then drop the checkpoints before it."""
        older = self._checkpoints()
        self._folder.write_bytes(
            f"checkpoints/{self._trial_key}/{self._trainer.iteration:09d}.pt", _saved(self._trainer.state_dict())
        )
        for name in older:
            self._folder.delete(name)

    def _checkpoints(self) -> list[str]:
        return self._folder.list(f"checkpoints/{self._trial_key}")


def _saved(state: dict[str, Any]) -> bytes:
    content = io.BytesIO()
    torch.save(state, content)
    return content.getvalue()
