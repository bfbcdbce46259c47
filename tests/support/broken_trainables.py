"""Trainables that break the contract, and a driver that knows them: `python -m tests.support.broken_trainables FILE`.

The command line is that of `ass_tune.run`.
"""

from __future__ import annotations

import math
import sys
from typing import Any, Literal

import numpy as np

from ass_tune.on_ray import trial_actor
from ass_tune.on_ray.trial_actor import TrialActor
from trainables.curves import CurvesConfig
from trainables.curves_trainable import CurvesTrainable
from trainables.registry import TRAINABLES, TrainableEntry
from trainables.words import REPORT, SELECT

Returns = Literal[
    "good",
    "numpy",
    "other_metric",
    "nan",
    "no_time",
    "no_report",
    "unknown_field",
    "nothing",
]


class BrokenConfig(CurvesConfig):
    """A curve, and what is wrong with the results of its trainable from `wrong_at` on."""

    returns: Returns = "good"
    wrong_at: int = 20


class BrokenTrainable(CurvesTrainable):
    """Curves whose results are not what they should be."""

    def step(self) -> Any:
        """A result of a curve, with one thing changed."""
        result, config = super().step(), self._trial_config
        assert isinstance(config, BrokenConfig)
        return result if result["iteration"] < config.wrong_at else _changed(result, config.returns)

    def setup(self, config: dict[str, Any]) -> None:
        """Start at iteration 0."""
        wanted = BrokenConfig(**config["config"])
        super().setup({**config, "config": wanted.model_dump(mode="json", include=set(CurvesConfig.model_fields))})
        self._trial_config = wanted


def _changed(result: dict[str, Any], how: Returns) -> Any:
    metrics = result["metrics"]
    match how:
        case "good":
            return result
        case "numpy":
            numbers = {name: np.float32(value) for name, value in metrics.items()}
            return {**result, "metrics": numbers, "iteration": np.int64(result["iteration"])}
        case "other_metric":
            return {**result, "metrics": {"select/accuracy": metrics[SELECT]}}
        case "nan":
            return {**result, "metrics": {**metrics, SELECT: math.nan}}
        case "no_time":
            return {name: value for name, value in result.items() if name != "time"}
        case "no_report":
            return {**result, "metrics": {name: value for name, value in metrics.items() if name != REPORT}}
        case "unknown_field":
            return {**result, "done": True}
        case "nothing":
            return None


class ActorThatKnowsThem(TrialActor):
    """Its module is imported where a trial runs, and with it the trainables are in the registry there too."""


TRAINABLES["broken"] = TrainableEntry(
    "tests.support.broken_trainables:BrokenConfig", "tests.support.broken_trainables:BrokenTrainable"
)

if __name__ == "__main__":
    from ass_tune.run import main
    from tests.support import broken_trainables

    trial_actor.TrialActor = broken_trainables.ActorThatKnowsThem
    sys.exit(main())
