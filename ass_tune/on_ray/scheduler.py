"""The director as Ray Tune's trial scheduler: it gets every report and decides whether a trial goes on."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from ray.tune import Callback
from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Trial as RayTrial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from ass_tune.on_ray.placement import Placement
from ass_tune.on_ray.preparation import Preparation, forget_preparation, preparation_of
from ass_tune.on_ray.release import TrialRelease
from ass_tune.on_ray.trial_actor import STEP_RESULT
from ass_tune.on_ray.watchdog import Watchdog
from ass_tune.on_ray.worker_logs import log_of
from ass_tune.search.director import Decision, Director
from ass_tune.search.faults import Fault, FaultKind, trial_error
from ass_tune.search.kept_checkpoints import saved_at
from trainables.contract import StepResult
from trainables.storage import Storage


class DirectorScheduler(FIFOScheduler):
    """Ray skips the searcher when a trial is stopped, so it is the scheduler that reports to the director.

    Args:
        director: gets every report.
        placement: says where trials may be placed.
    """

    _metric = "iteration"
    # decisions must come before the next iterations are trained
    _supports_buffered_results = False

    def __init__(self, director: Director, release: TrialRelease, placement: Placement) -> None:
        super().__init__()
        self._director, self._release, self._placement = director, release, placement

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Ray pickles it for a restore that is never made, since the ledger is the state."""
        return {}

    def on_trial_add(self, tune_controller: TuneController, trial: RayTrial) -> None:
        """Ask for a place where trials may run now, since what the trial's class asks for never changes.

        Schedulers are the only ones that Tune gives its controller to, in a wrapper.
        """
        self._release.controller = getattr(tune_controller, "_tune_controller", tune_controller)
        trial.placement_group_factory = self._placement.request()

    def choose_trial_to_run(self, tune_controller: TuneController, **_: Any) -> RayTrial | None:
        """None: a process that is free then takes the next trial that has none.

        A choice would give it to the first trial that waits, and Tune would end the process that starts for that one:
        where trials end sooner than processes start, all slots but one would stay empty.
        """
        return None

    def on_trial_result(self, tune_controller: TuneController, trial: RayTrial, result: dict[str, Any]) -> str:
        """Hand a result, which the trial's actor has checked, to the director; its decision in Ray's words."""
        key, step = trial.config["key"], result[STEP_RESULT]
        assert isinstance(step, StepResult)
        # Ray would keep the actor's place for a trial that it pauses: it ends for Ray, and is a new one when it goes on
        goes_on = self._director.result(key, step) is Decision.CONTINUE
        return TrialScheduler.CONTINUE if goes_on else TrialScheduler.STOP


class FaultReporter(Callback):
    """Reports trials that raised, were lost or handed themselves back to the director. Ray itself retries nothing.

    Args:
        director: decides whether they are tried again.
        watchdog: knows which of them hung.
        folder: the study's folder, where their checkpoints show how far they got.
        placement: sets nodes aside that cannot run any.
    """

    def __init__(self, director: Director, watchdog: Watchdog, folder: Storage, placement: Placement) -> None:
        self._director, self._watchdog, self._folder, self._placement = director, watchdog, folder, placement

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Ray pickles it for a restore that is never made, since the ledger is the state."""
        return {}

    def on_trial_error(self, iteration: int, trials: list[RayTrial], trial: RayTrial, **info: Any) -> None:
        """The trial raised an error, or its process or node is gone."""
        # Ray's `get_error` reads from a place where the file is only after Ray has synchronised its folder
        text = Path(trial.error_file).read_text() if trial.error_file else "The actor died unexpectedly"
        key = trial.config["key"]
        if (unfit := self._placement.fault(text)) is not None:
            forget_preparation(key)
            self._director.fault(key, unfit, time.time())
            return
        fault = trial_error(text)
        if fault.kind.of_the_machine:
            forget_preparation(key)
        elif (preparation := preparation_of(key)) is not None:
            fault = _died_at_start(fault, preparation)
            forget_preparation(key)
        if self._watchdog.killed(trial):
            fault = Fault(
                FaultKind.HUNG, f"no report for {self._watchdog.patience:.0f} seconds; its process was killed"
            )
        self._director.fault(key, replace(fault, saved_at=saved_at(self._folder, key)), time.time())


def _died_at_start(fault: Fault, preparation: Preparation) -> Fault:
    """The fault with the end of its process's log; people see the last line first."""
    log = log_of(preparation)
    last = f"its process {preparation.process} died before it could train: {log[-1]}"
    return replace(fault, error="\n".join([fault.error.rstrip(), *log[:-1], last]))
