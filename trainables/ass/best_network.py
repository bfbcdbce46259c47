"""The network as it was at its best evaluation on the select split."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from trainables.snapshots import BestEvaluation


class BestNetwork:
    """Weights of the best evaluation, on the CPU: they need no memory of the device, and travel in checkpoints."""

    def __init__(self) -> None:
        self.evaluation = BestEvaluation()
        self.weights: dict[str, Tensor] = {}

    def offer(self, network: nn.Module, iteration: int, miou: float) -> None:
        """Keep a copy of the network if it is better on the select split than all before it."""
        if self.evaluation.improves(iteration, miou):
            self.weights = copy_of(network)

    def state_dict(self) -> dict[str, Any]:
        """Tensors and plain values."""
        return {"iteration": self.evaluation.iteration, "miou": self.evaluation.miou, "weights": self.weights}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from `state_dict()`."""
        self.evaluation = BestEvaluation(state["iteration"], state["miou"])
        self.weights = state["weights"]


def copy_of(network: nn.Module) -> dict[str, Tensor]:
    """A state dict on the CPU that further training leaves as it is."""
    return {name: value.detach().to("cpu", copy=True) for name, value in network.state_dict().items()}
