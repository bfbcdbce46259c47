"""The synthetic learning curves as a Ray trainable, so that a study of hundreds of trials takes seconds."""

from __future__ import annotations

import math
import os
import signal
import time
from typing import Any

from ray import tune

from trainables.contract import TrialTask
from trainables.curves import CurvesConfig
from trainables.learning_curve import CLASSES, measured
from trainables.snapshots import BestEvaluation, snapshot_metrics
from trainables.storage import Storage
from trainables.words import SELECT


class CurvesTrainable(tune.Trainable):
    """One trial of a curve study, with the reports and, where asked for, the faults of a real one."""

    def setup(self, config: dict[str, Any]) -> None:
        """Start at iteration 0."""
        task = TrialTask.model_validate(config)
        self._trial_config = CurvesConfig(**task.config)
        self._folder, self._tries = Storage(task.storage), f"checkpoints/{task.key}"
        self._at, self._best = 0, BestEvaluation()

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next trial in the same process."""
        self.setup(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Advance to the next report."""
        config = self._trial_config
        time.sleep(config.seconds_per_report)
        self._at += config.evaluate_every
        if self._reached(config.fail_at):
            raise RuntimeError(f"asked to fail at iteration {config.fail_at}")
        if self._reached(config.diverge_at):
            reason = f"loss/total is nan at iteration {self._at}"
            return {"iteration": self._at, "time": time.time(), "diverged": reason}
        self._be_unlucky()
        metrics = {SELECT: measured(config, "select", self._at)}
        self._best.improves(self._at, metrics[SELECT])
        metrics |= {f"select/iou/{name}": metrics[SELECT] for name in CLASSES}
        metrics |= {"loss/total": 5.0 * math.exp(-self._at / config.iterations), "lr/backbone": config.lr}
        metrics |= {f"further/{number}": self._at / (number + 1) for number in range(config.further_metrics)}
        final = self._at >= config.iterations
        if final:
            snapshots = {"last": self._at, "best_on_select": self._best.iteration}
            on_report = {name: measured(config, "report", iteration) for name, iteration in snapshots.items()}
            metrics |= snapshot_metrics(config.snapshot, metrics[SELECT], self._best, on_report)
        return {"final": final, "iteration": self._at, "metrics": metrics, "time": time.time()}

    def _reached(self, iteration: int | None) -> bool:
        return iteration is not None and self._at >= iteration

    def _be_unlucky(self) -> None:
        config = self._trial_config
        lost, exhausted, hung = (self._reached(at) for at in (config.lose_at, config.exhaust_at, config.hang_at))
        if not (lost or exhausted or hung) or len(before := self._folder.list(self._tries)) >= config.unlucky_tries:
            return
        self._folder.write_bytes(f"{self._tries}/{len(before)}", b"")
        if exhausted:
            raise MemoryError(f"asked to run out of memory at iteration {config.exhaust_at}")
        if lost:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(1e6)
