"""Lets go of what Ray Tune's driver keeps of trials that have ended: objects, statistics and states of each."""

from __future__ import annotations

from typing import Any

from ray.tune import Callback
from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Trial as RayTrial
from ray.tune.progress_reporter import TrialProgressCallback

AT_ONCE = 20
"""Trials are let go in lots. After each report Tune looks at all that it has, so that a lot must not be large."""


class TrialRelease(Callback):
    """Has Tune forget ended trials: for a restore or a summary of all, neither of which is made, it would keep them.

    Its controller has to be given to it before the first trial ends.
    """

    def __init__(self) -> None:
        self.controller: TuneController | None = None

    @property
    def places_held(self) -> int:
        """How many places Ray has given to processes of this study."""
        return 0 if self.controller is None else self.controller._actor_manager.num_live_actors

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Ray pickles it for a restore that is never made, since the ledger is the state."""
        return {}

    def on_step_end(self, iteration: int, trials: list[RayTrial], **info: Any) -> None:
        """Forget the trials that have ended and left their actor. Tune wants to have at least one trial at its end."""
        tune = self.controller
        if tune is None or len(trials) < 2 * len(tune._trial_to_actor) + AT_ONCE:
            return
        *earlier, last = trials
        ended = {trial for trial in earlier if trial.is_finished() and trial not in tune._trial_to_actor}
        trials[:] = [*(trial for trial in earlier if trial not in ended), last]  # Tune's own list
        kept = (tune._stopped_trials, tune._failed_trials, tune._live_trials, tune._trials_to_cache)
        for trials_of_kind in kept:
            trials_of_kind.difference_update(ended)
        for trial in ended:
            for by_id in (tune._trial_metadata, tune._cached_trial_decisions, tune._queued_trial_decisions):
                by_id.pop(trial.trial_id, None)


class SilentProgress(TrialProgressCallback):
    """Takes the place of the callback that Tune adds if it has none of its kind, and that keeps every trial."""

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: the ledger is the state."""
        return {}

    def on_trial_result(
        self, iteration: int, trials: list[RayTrial], trial: RayTrial, result: dict[str, Any], **info: Any
    ) -> None:
        """Nothing: our own view shows results."""

    def on_trial_complete(self, iteration: int, trials: list[RayTrial], trial: RayTrial, **info: Any) -> None:
        """Nothing."""

    def on_trial_error(self, iteration: int, trials: list[RayTrial], trial: RayTrial, **info: Any) -> None:
        """Nothing."""
