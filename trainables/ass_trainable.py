"""The method as a Ray trainable: a trial that reports, saves itself and leaves nothing behind in its process."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ray import tune

from trainables.ass.best_network import BestNetwork, copy_of
from trainables.ass.config import AssConfig
from trainables.ass.metrics import iou_per_class, miou
from trainables.ass.trainer import Trainer
from trainables.ass_memory import check_memory
from trainables.cache import cache_folder
from trainables.checkpoints import Checkpoints, serialized
from trainables.confusions import confusions_to_parquet
from trainables.contract import Diverged, TrialTask
from trainables.domains.packed import PackedSet
from trainables.domains.pairs import open_pair
from trainables.panel import panel_png
from trainables.predictions import predictions_to_parquet
from trainables.preemption import HandedBack
from trainables.snapshots import Snapshot, snapshot_metrics
from trainables.storage import Storage
from trainables.words import SELECT

PICTURES = 3
"""Images of the report split that a finished trial shows its predictions of."""


class AssTrainable(tune.Trainable):
    """One trial of the method; Ray calls `step` once per report."""

    def setup(self, config: dict[str, Any]) -> None:
        """Build the trial from its `TrialTask`, or continue it from the newest checkpoint in the study folder."""
        task = TrialTask.model_validate(config)
        torch.set_num_threads(task.threads)
        self._trial_config = AssConfig.of(task.config)
        check_memory(self._trial_config, task.gpus)
        self._folder = Storage(task.storage)
        self._trial_key = task.key
        data_root = Path(task.data_root) if task.data_root else None
        self._pair = open_pair(self._trial_config.domains, cache_folder(), data_root, task.data)
        self._trainer = Trainer(self._trial_config, self._pair)
        self._best = BestNetwork()
        self._checkpoints = Checkpoints(self._folder, self._trial_key)
        loaded = self._checkpoints.newest()
        self._notices = list(loaded.warnings)
        self._report: dict[str, Any] | None = None
        self._trained: dict[str, float] | None = None  # metrics of an interval that is trained and not evaluated yet
        if loaded.state is not None:
            self._trainer.load_state_dict(loaded.state["trainer"])
            self._best.load_state_dict(loaded.state["best"])
            self._report, self._trained = loaded.state["report"], loaded.state["trained"]
        self._repeats, self._saved = self._report is not None, self._progress

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next trial in the same process: everything of the last one is built anew."""
        self.setup(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Train to the next report; the first one of a trial that was continued is the last one before it was saved.

        Whoever records reports may have died before it had that one, and knows it by its iteration if it has it.
        Raises HandedBack where the process was asked to end; the trial is then saved as it is, between two reports too.
        """
        try:
            result = self._report if self._repeats and self._report is not None else self._next_report()
        except HandedBack:
            if self._saved != self._progress:
                self._save()
            raise
        self._repeats = False
        notices = self._notices + self._pair.take_notices()
        self._notices = []
        return {**result, "notices": notices} if notices else result

    def _next_report(self) -> dict[str, Any]:
        settings, trainer = self._trial_config, self._trainer
        until = (self._report["iteration"] if self._report is not None else 0) + settings.evaluate_every
        try:
            if self._trained is None:
                self._trained = trainer.train_until(until)
        except Diverged as diverged:
            return {"iteration": trainer.iteration, "time": time.time(), "diverged": str(diverged)}
        choose_on_report = settings.protocol == "paper"
        in_select = trainer.evaluate(self._pair.target_report if choose_on_report else self._pair.target_select)
        metrics = self._trained | self._split_metrics("select", in_select)
        self._best.offer(trainer.model.network, trainer.iteration, metrics[SELECT])
        report: dict[str, Any] = {"iteration": trainer.iteration, "metrics": metrics}
        if trainer.iteration >= settings.iterations:
            in_report = in_select if choose_on_report else trainer.evaluate(self._pair.target_report)
            return {**report, "final": True, "artifacts": self._finish(metrics, in_report), "time": time.time()}
        self._report, self._trained = {**report, "time": time.time()}, None
        self._save()
        return self._report

    @property
    def _progress(self) -> tuple[int, bool]:
        """How far the trial is: its iteration, and whether it has the metrics of an interval to be evaluated."""
        return self._trainer.iteration, self._trained is not None

    def _save(self) -> None:
        state = {"trainer": self._trainer.state_dict(), "best": self._best.state_dict()}
        self._checkpoints.save(self._trainer.iteration, state | {"report": self._report, "trained": self._trained})
        self._saved = self._progress

    def _finish(self, metrics: dict[str, float], last: np.ndarray) -> list[str]:
        """Add the result to the metrics and write its files; `last` are the last snapshot's counts."""
        report, counts = self._pair.target_report, self._both_snapshots(last)
        confusions = counts[self._trial_config.snapshot]
        metrics |= self._split_metrics("report", confusions)
        mious = {name: miou(of_snapshot.sum(axis=0)) for name, of_snapshot in counts.items()}
        metrics |= snapshot_metrics(self._trial_config.snapshot, metrics[SELECT], self._best.evaluation, mious)
        artifacts = {
            f"results/{self._trial_key}/report_confusions.parquet": confusions_to_parquet(
                confusions, report.names, self._pair.classes.names, self._pair.report_units, self._pair.resample_by
            ),
            f"results/{self._trial_key}/network.pt": serialized(self._trainer.model.network.state_dict()),
        }
        artifacts |= {f"results/{self._trial_key}/{name}": content for name, content in self._pictures(report).items()}
        for name, content in artifacts.items():
            self._folder.write_bytes(name, content)
        return [name for name in artifacts if not name.endswith(".pt")]

    def _both_snapshots(self, last: np.ndarray) -> dict[Snapshot, np.ndarray]:
        """Counts of the report split of both snapshots; the network becomes the one that the configuration names."""
        trainer, network, best = self._trainer, self._trainer.model.network, self._best
        if best.evaluation.iteration == trainer.iteration:
            return {"last": last, "best_on_select": last}
        weights = copy_of(network)
        network.load_state_dict(best.weights)
        try:
            of_best = trainer.evaluate(self._pair.target_report)
        except HandedBack:
            network.load_state_dict(weights)
            raise
        if self._trial_config.snapshot == "last":
            network.load_state_dict(weights)
        return {"last": last, "best_on_select": of_best}

    def _pictures(self, report: PackedSet) -> dict[str, bytes]:
        """The network's predictions for some images, to look at and to compare with other trials."""
        chosen = np.linspace(0, len(report) - 1, PICTURES).astype(int)
        images, truth = np.ascontiguousarray(report.images[chosen]), report.labels[chosen]
        predicted, classes = self._trainer.predict(images, report.labels.shape[1:]), self._pair.classes
        names = [report.names[index] for index in chosen]
        return {
            "panel.png": panel_png(images, truth, predicted, classes),
            "predictions.parquet": predictions_to_parquet(names, images, truth, predicted, classes),
        }

    def _split_metrics(self, split: str, confusions: np.ndarray) -> dict[str, float]:
        total = confusions.sum(axis=0)
        named = zip(self._pair.classes.names, iou_per_class(total), strict=True)
        return {f"{split}/miou": miou(total)} | {f"{split}/iou/{name}": float(iou) for name, iou in named if iou == iou}
