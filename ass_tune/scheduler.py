"""The director as Ray Tune's trial scheduler: brings it every report, and Ray its decisions."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Trial as RayTrial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from ass_tune.director import Decision, Director
from ass_tune.trial import End, Outcome, Report

METRICS = "metrics/"
"""Ray flattens a trainable's result; its metrics come back under this prefix."""


class DirectorScheduler(FIFOScheduler):
    """Ray skips the searcher when a trial is stopped, so it is the scheduler that reports to the director."""

    _metric = "iteration"
    # decisions must come before the next iterations are trained
    _supports_buffered_results = False

    def __init__(self, director: Director) -> None:
        super().__init__()
        self._director = director

    def on_trial_result(self, tune_controller: TuneController, trial: RayTrial, result: dict[str, Any]) -> str:
        """Report to the director; its decision in Ray's words."""
        decision = self._director.report(trial.config["key"], _report(result))
        return TrialScheduler.STOP if decision is Decision.STOP else TrialScheduler.CONTINUE

    def on_trial_complete(self, tune_controller: TuneController, trial: RayTrial, result: dict[str, Any]) -> None:
        """The trainable said that it is done: either finished or diverged."""
        key = trial.config["key"]
        if diverged := result.get("diverged"):
            self._director.end(key, End(Outcome.FAILED, result["iteration"], result["time"], error=diverged))
            return
        report = _report(result)
        self._director.report(key, report)
        final = {name: value for name, value in report.metrics.items() if name.startswith("report/")}
        artifacts = tuple(result.get("artifacts", ()))
        self._director.end(key, End(Outcome.FINISHED, report.iteration, report.time, final, artifacts))

    def on_trial_error(self, tune_controller: TuneController, trial: RayTrial) -> None:
        """Ray has given the trial up, its retries included."""
        iteration = (trial.last_result or {}).get("iteration", 0)
        error = str(trial.get_error()) if trial.get_error() else "the trial's process ended"
        self._director.end(trial.config["key"], End(Outcome.FAILED, iteration, time.time(), error=error))


def _report(result: Mapping[str, Any]) -> Report:
    metrics = {name.removeprefix(METRICS): value for name, value in result.items() if name.startswith(METRICS)}
    return Report(result["iteration"], metrics, result["time"])
