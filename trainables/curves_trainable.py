"""The synthetic learning curves as a Ray trainable, so that a study of hundreds of trials takes seconds."""

from __future__ import annotations

import math
import time
from typing import Any

from ray import tune

from trainables.curves import CLASSES, CurvesConfig, measured


class CurvesTrainable(tune.Trainable):
    """One trial of a curve study, with the reports of a real one."""

    def setup(self, config: dict[str, Any]) -> None:
        """Start at iteration 0."""
        self._trial_config = CurvesConfig(**config["config"])
        self._at = 0

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next trial in the same process."""
        self.setup(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Advance to the next report."""
        config = self._trial_config
        time.sleep(config.seconds_per_report)
        self._at += config.evaluate_every
        if config.fail_at is not None and self._at >= config.fail_at:
            raise RuntimeError(f"asked to fail at iteration {config.fail_at}")
        if config.diverge_at is not None and self._at >= config.diverge_at:
            return {
                "iteration": self._at,
                "time": time.time(),
                "diverged": f"loss/total is nan at iteration {self._at}",
            }
        metrics = {"select/miou": measured(config, "select", self._at)}
        metrics |= {f"select/iou/{name}": metrics["select/miou"] for name in CLASSES}
        metrics |= {"loss/total": 5.0 * math.exp(-self._at / config.iterations), "lr/backbone": config.lr}
        final = self._at >= config.iterations
        if final:
            metrics["report/miou"] = measured(config, "report", self._at)
        return {"final": final, "iteration": self._at, "metrics": metrics, "time": time.time()}
