"""The actor that Ray runs for a trial; what trains is imported there, so that the driver does without torch."""

from __future__ import annotations

from typing import Any

from ray import tune

from trainables.registry import TRAINABLES


class TrialActor(tune.Trainable):
    """One trial after the other, of the trainable that `config["trainable"]` names."""

    def setup(self, config: dict[str, Any]) -> None:
        """Build the first trial."""
        ray_class = TRAINABLES[config["trainable"]].ray_class
        self._trial = object.__new__(ray_class)  # Tune's constructor would open its own loggers a second time
        self._trial.setup(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next trial in the same process."""
        return self._trial.reset_config(new_config)

    def step(self) -> dict[str, Any]:
        """Train to the next report."""
        return self._trial.step()
