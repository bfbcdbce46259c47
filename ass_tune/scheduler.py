"""The director as Ray Tune's trial scheduler: brings it every report, and Ray its decisions."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ray.tune import Callback
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

    def __getstate__(self) -> dict[str, Any]:
        """Nothing, as in the searcher."""
        return {}

    def on_trial_result(self, tune_controller: TuneController, trial: RayTrial, result: dict[str, Any]) -> str:
        """Bring a result to the director; its decision in Ray's words.

        Trainables mark their last result `final` and never `done`, which Ray would end a trial by without a word.
        """
        key = trial.config["key"]
        if diverged := result.get("diverged"):
            self._director.end(key, End(Outcome.FAILED, result["iteration"], result["time"], error=diverged))
            return TrialScheduler.STOP
        report = _report(result)
        decision = self._director.report(key, report)
        if result.get("final"):
            final = {name: value for name, value in report.metrics.items() if name.startswith("report/")}
            artifacts = tuple(result.get("artifacts", ()))
            self._director.end(key, End(Outcome.FINISHED, report.iteration, report.time, final, artifacts))
            return TrialScheduler.STOP
        return TrialScheduler.STOP if decision is Decision.STOP else TrialScheduler.CONTINUE


class GivenUpTrials(Callback):
    """Tells the director of trials that Ray has given up. Ray's schedulers and searchers hear of retries as well."""

    def __init__(self, director: Director) -> None:
        self._director = director

    def __getstate__(self) -> dict[str, Any]:
        """Nothing, as in the searcher."""
        return {}

    def on_trial_error(self, iteration: int, trials: list[RayTrial], trial: RayTrial, **info: Any) -> None:
        """Ray's retries are used up."""
        reached = (trial.last_result or {}).get("iteration", 0)
        # Ray's `get_error` looks where the file is only once Ray has synchronised its folder
        error = Path(trial.error_file).read_text() if trial.error_file else "the trial's process ended"
        self._director.end(trial.config["key"], End(Outcome.FAILED, reached, time.time(), error=error))


def _report(result: Mapping[str, Any]) -> Report:
    metrics = {name.removeprefix(METRICS): value for name, value in result.items() if name.startswith(METRICS)}
    return Report(result["iteration"], metrics, result["time"])
