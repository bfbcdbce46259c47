"""Finds trials that hang: those without a report for many times as long as reports take."""

from __future__ import annotations

import time
from typing import Any

import ray
from ray.tune import Callback
from ray.tune.experiment import Trial as RayTrial

from ass_tune.on_ray.storage_waits import storage_waits

AWAY = 5.0
"""Seconds without a look at the trials, after which their silence is counted anew."""


class Watchdog(Callback):
    """Kills the process of a trial that has not reported for too long; Ray then reports it as lost.

    Args:
        seconds_per_report: expected time between two reports, if known; raised to the longest one seen.
            While neither is known, nothing is killed.
        multiple: how many times as long a trial may go without a report.
        least: seconds that every trial may go without a report, however short the expected time.
    """

    def __init__(self, seconds_per_report: float | None, multiple: float, least: float) -> None:
        self._expected = seconds_per_report
        self._multiple, self._least = multiple, least
        self._heard: dict[str, float] = {}
        self._killed: set[str] = set()
        self._last_step = time.monotonic()

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: the ledger is the state."""
        return {}

    @property
    def patience(self) -> float:
        """Seconds without a report after which a trial counts as hung; infinite while no time is known."""
        return float("inf") if self._expected is None else max(self._least, self._multiple * self._expected)

    @property
    def expected(self) -> float | None:
        """Seconds between two reports, or None while they are not known."""
        return self._expected

    def killed(self, trial: RayTrial) -> bool:
        """Whether the trial's process ended because it hung."""
        return trial.trial_id in self._killed

    def on_trial_start(self, iteration: int, trials: list[RayTrial], trial: RayTrial, **info: Any) -> None:
        """The time to the first report counts from now."""
        self._heard[trial.trial_id] = time.monotonic()

    def on_trial_result(
        self, iteration: int, trials: list[RayTrial], trial: RayTrial, result: dict[str, Any], **info: Any
    ) -> None:
        """The trial is alive, and this is how long a report took."""
        now = time.monotonic()
        taken = now - self._heard.get(trial.trial_id, now)
        self._expected = max(taken, self._expected or 0.0)
        self._heard[trial.trial_id] = now

    def on_trial_complete(self, iteration: int, trials: list[RayTrial], trial: RayTrial, **info: Any) -> None:
        """No more reports are expected."""
        self._heard.pop(trial.trial_id, None)

    def on_trial_error(self, iteration: int, trials: list[RayTrial], trial: RayTrial, **info: Any) -> None:
        """No more reports are expected."""
        self._heard.pop(trial.trial_id, None)

    def on_step_end(self, iteration: int, trials: list[RayTrial], **info: Any) -> None:
        """Ray calls this several times a second, unless the driver itself has to wait, e.g. for its storage."""
        now, patience = time.monotonic(), self.patience
        if (away := now - self._last_step) > AWAY:  # what was reported meanwhile has not been heard yet
            self._heard = {trial_id: heard + away for trial_id, heard in self._heard.items()}
        self._last_step = now
        silent = {trial_id for trial_id, heard in self._heard.items() if now - heard > patience} - self._killed
        waiting = storage_waits() if silent else {}
        for trial in trials if silent else ():
            if trial.config["key"] in waiting:
                self._heard[trial.trial_id] = now  # its storage is away, which is no fault of the trial
            elif trial.trial_id in silent and trial.temporary_state.ray_actor is not None:
                self._killed.add(trial.trial_id)
                ray.kill(trial.temporary_state.ray_actor)
