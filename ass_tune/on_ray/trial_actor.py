"""The actor that Ray runs for a trial. Training code is imported there, so the driver never imports torch."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

from ray import tune
from ray.tune.result import NODE_IP, PID, TRIAL_ID

from ass_tune.on_ray.hand_back import listen
from ass_tune.on_ray.node_check import Driver
from ass_tune.on_ray.preparation import preparing
from ass_tune.on_ray.storage_waits import told_to_driver
from trainables.contract import BrokenContract, StepChecker, StepResult, TrialTask
from trainables.domains.pairs import make_known
from trainables.patience import telling
from trainables.preemption import signals_ask
from trainables.registry import TRAINABLES
from trainables.storage import Storage

Answer = TypeVar("Answer")

STEP_RESULT = "step_result"
"""Key of the checked result among what Ray adds."""


class TrialActor(tune.Trainable):
    """Runs one trial after the other and checks what their trainable returns, before Ray or the driver see it.

    A result that breaks the contract raises BrokenContract here, which ends the trial and no other. HandedBack ends the
    process: the trial goes on in another one, and whoever asked for it wants this one to end.
    """

    def setup(self, config: dict[str, Any]) -> None:
        """Build the first trial."""
        listen()
        self._take(config)
        # for as long as the process lives; Ray ends it
        telling(told_to_driver(lambda: self._task.key)).__enter__()
        with preparing(self._task.key):
            self._build(config)

    def _build(self, config: dict[str, Any]) -> None:
        ray_class = TRAINABLES[self._task.trainable].ray_class
        self._trial = object.__new__(ray_class)  # Tune's constructor would open its own loggers a second time
        self._ask(lambda: self._trial.setup(config))

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next trial in the same process. A trainable that cannot, as Tune's own says, is built anew."""
        self._take(new_config)
        with preparing(self._task.key):
            if not self._ask(lambda: self._trial.reset_config(new_config)):
                self._ask(self._trial.cleanup)
                self._build(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Train to the next report."""
        result = self._checker.check(self._ask(self._trial.step))
        self._check_files(result)
        return {"iteration": result.iteration, STEP_RESULT: result}

    def get_auto_filled_metrics(self, *_: Any, **__: Any) -> dict[str, Any]:
        """Of what Tune adds to a result, only what its driver reads; the configuration would be sent with each."""
        return {TRIAL_ID: self.trial_id, NODE_IP: self._local_ip, PID: os.getpid()}

    def _take(self, config: dict[str, Any]) -> None:
        self._task = TrialTask.model_validate(config)
        self._checker = StepChecker(self._task, TRAINABLES[self._task.trainable].config.objective)
        make_known(self._task.pair)

    def _ask(self, call: Callable[[], Answer]) -> Answer:
        """What the trainable answers. If it exits, this process would, and would look like one that was lost."""
        try:
            with signals_ask():
                return call()
        except SystemExit as end:
            allowed = "a result, or an error of another kind"
            raise self._broken(f"found SystemExit({end.code!r}); allowed: {allowed}") from None

    def _check_files(self, result: StepResult) -> None:
        """The files of a finished trial are there: the study's table is read from them."""
        folder = Storage(self._task.storage)
        if missing := [name for name in result.artifacts if not folder.exists(name)]:
            found = f"found {', '.join(missing)}, which the study folder does not have"
            raise self._broken(f"artifacts: {found}; allowed: files that were written into it")

    def _broken(self, wrong: str) -> BrokenContract:
        return BrokenContract(f"trainable {self._task.trainable}: {wrong}")


def actor_class(driver: Driver) -> type[TrialActor]:
    """The actor of a study's trials, which looks at its node before it builds one.

    Ray sends a class that is made in a function as it is, so that nodes with other code look, too.
    """

    class CheckedTrialActor(TrialActor):
        def setup(self, config: dict[str, Any]) -> None:
            from ass_tune.on_ray.node_check import make_node_ready, task_here
            from ass_tune.on_ray.preparation import preparing

            config = task_here(driver, config)
            with preparing(config["key"]):
                make_node_ready(driver, config)
            super().setup(config)

        def reset_config(self, new_config: dict[str, Any]) -> bool:
            from ass_tune.on_ray.node_check import task_here

            return super().reset_config(task_here(driver, new_config))

    return CheckedTrialActor
