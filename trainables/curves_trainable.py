"""The synthetic learning curves as a Ray trainable, so that a study of hundreds of trials takes seconds."""

from __future__ import annotations

import json
import math
import os
import signal
import time
from typing import Any

from ray import tune

from trainables.contract import TrialTask
from trainables.curves import CurvesConfig
from trainables.learning_curve import CLASSES, measured
from trainables.preemption import HandedBack, hand_back_if_asked
from trainables.snapshots import BestEvaluation, snapshot_metrics
from trainables.storage import Storage
from trainables.words import SELECT

TRY = "unlucky-"
"""How the names of files begin that an unlucky try leaves."""


class CurvesTrainable(tune.Trainable):
    """One trial of a curve study, with the reports and, where asked for, the faults of a real one."""

    def setup(self, config: dict[str, Any]) -> None:
        """Start at iteration 0, or where the trial handed itself back."""
        task = TrialTask.model_validate(config)
        self._trial_config = CurvesConfig(**task.config)
        self._folder, self._checkpoints = Storage(task.storage), f"checkpoints/{task.key}"
        self._at, self._best = 0, BestEvaluation()
        self._report: dict[str, Any] | None = None
        if names := [name for name in self._folder.list(self._checkpoints) if name.endswith(".json")]:
            self._load(json.loads(self._folder.read_bytes(names[-1])))
        self._repeats, self._saved_at = self._report is not None, self._at

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next trial in the same process."""
        self.setup(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Advance to the next report; a trial that handed itself back first gives the one before that again."""
        if self._repeats and self._report is not None:
            self._repeats = False
            return self._report
        try:
            self._advance()
        except HandedBack:
            if self._at > self._saved_at:
                self._save()
            raise
        self._report = self._evaluate()
        return self._report

    def _advance(self) -> None:
        """Take the time of the iterations up to the next report."""
        config = self._trial_config
        until = (self._report["iteration"] if self._report is not None else 0) + config.evaluate_every
        while self._at < until:
            hand_back_if_asked()
            if config.seconds_per_report:
                time.sleep(config.seconds_per_report / config.evaluate_every)
            self._at += 1

    def _save(self) -> None:
        """What it goes on from, under its iteration as the checkpoints of other trainables."""
        best = {"iteration": self._best.iteration, "miou": self._best.miou if self._best.iteration else None}
        state = {"iteration": self._at, "best": best, "report": self._report}
        self._folder.write_bytes(f"{self._checkpoints}/{self._at:09d}.json", json.dumps(state).encode())

    def _load(self, state: dict[str, Any]) -> None:
        self._at, self._report, best = state["iteration"], state["report"], state["best"]
        if best["iteration"]:
            self._best = BestEvaluation(**best)

    def _evaluate(self) -> dict[str, Any]:
        config = self._trial_config
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
        if not (lost or exhausted or hung) or (tried := self._tries()) >= config.unlucky_tries:
            return
        self._folder.write_bytes(f"{self._checkpoints}/{TRY}{tried}", b"")
        if exhausted:
            raise MemoryError(f"asked to run out of memory at iteration {config.exhaust_at}")
        if lost:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(1e6)

    def _tries(self) -> int:
        """How often it was unlucky; each time leaves a file."""
        return sum(name.rpartition("/")[2].startswith(TRY) for name in self._folder.list(self._checkpoints))
