"""The actor that Ray runs for a trial. Training code is imported there, so the driver never imports torch."""

from __future__ import annotations

from typing import Any

from ray import tune

from ass_tune.on_ray.preparation import preparing
from trainables.contract import StepChecker, TrialTask
from trainables.registry import TRAINABLES

STEP_RESULT = "step_result"
"""Key of the checked result among what Ray adds."""


class TrialActor(tune.Trainable):
    """Runs one trial after the other and checks what their trainable returns, before Ray or the driver see it.

    A result that breaks the contract raises BrokenContract here, which ends the trial and no other.
    """

    def setup(self, config: dict[str, Any]) -> None:
        """Build the first trial."""
        task = TrialTask.model_validate(config)
        with preparing(task.key):
            self._build(task, config)

    def _build(self, task: TrialTask, config: dict[str, Any]) -> None:
        ray_class = TRAINABLES[task.trainable].ray_class
        self._checker = StepChecker(task)
        self._trial = object.__new__(ray_class)  # Tune's constructor would open its own loggers a second time
        self._trial.setup(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next trial in the same process."""
        task = TrialTask.model_validate(new_config)
        self._checker = StepChecker(task)
        with preparing(task.key):
            return self._trial.reset_config(new_config)

    def step(self) -> dict[str, Any]:
        """Train to the next report."""
        result = self._checker.check(self._trial.step())
        return {"iteration": result.iteration, STEP_RESULT: result}
