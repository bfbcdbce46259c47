"""A trial that hangs: no report for many times as long as reports take."""

from __future__ import annotations

import time
from typing import Any

import ray
from ray.tune import Callback
from ray.tune.experiment import Trial as RayTrial


class Watchdog(Callback):
    """Kills the process of a trial that is silent for too long; Ray then reports it as lost.

    Args:
        seconds_per_report: what a report is expected to take, as far as that is known; the longest one seen counts
            as well. While nothing is known, nothing is killed.
        multiple: how many times as long a trial may be silent.
        least: seconds that every trial may be silent, whatever is expected.
    """

    def __init__(self, seconds_per_report: float | None, multiple: float, least: float) -> None:
        self._expected = seconds_per_report
        self._multiple, self._least = multiple, least
        self._heard: dict[str, float] = {}
        self._killed: set[str] = set()

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: the ledger is the state."""
        return {}

    @property
    def patience(self) -> float:
        """Seconds of silence after which a trial counts as hung; without end while nothing is known."""
        return float("inf") if self._expected is None else max(self._least, self._multiple * self._expected)

    def killed(self, trial: RayTrial) -> bool:
        """Whether the trial's process ended because it hung."""
        return trial.trial_id in self._killed

    def on_trial_start(self, iteration: int, trials: list[RayTrial], trial: RayTrial, **info: Any) -> None:
        """Its first report is awaited from now on."""
        self._heard[trial.trial_id] = time.monotonic()

    def on_trial_result(
        self, iteration: int, trials: list[RayTrial], trial: RayTrial, result: dict[str, Any], **info: Any
    ) -> None:
        """A sign of life, and a measure of what a report takes."""
        now = time.monotonic()
        taken = now - self._heard.get(trial.trial_id, now)
        self._expected = max(taken, self._expected or 0.0)
        self._heard[trial.trial_id] = now

    def on_trial_complete(self, iteration: int, trials: list[RayTrial], trial: RayTrial, **info: Any) -> None:
        """Nothing more is awaited."""
        self._heard.pop(trial.trial_id, None)

    def on_trial_error(self, iteration: int, trials: list[RayTrial], trial: RayTrial, **info: Any) -> None:
        """Nothing more is awaited."""
        self._heard.pop(trial.trial_id, None)

    def on_step_end(self, iteration: int, trials: list[RayTrial], **info: Any) -> None:
        """Ray calls this several times a second."""
        now, patience = time.monotonic(), self.patience
        silent = {trial_id for trial_id, heard in self._heard.items() if now - heard > patience} - self._killed
        for trial in trials if silent else ():
            if trial.trial_id in silent and trial.temporary_state.ray_actor is not None:
                self._killed.add(trial.trial_id)
                ray.kill(trial.temporary_state.ray_actor)
