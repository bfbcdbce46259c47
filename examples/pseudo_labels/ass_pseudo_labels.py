"""Self-training on pseudo-labels (Lee, ICML workshop 2013): unlabeled pixels get the class that G is sure of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field
from torch import Tensor
from torch.nn import functional as F

from trainables.ass.adaptor import Adaptor
from trainables.ass.outputs import Outputs
from trainables.domains.classes import IGNORE


class PseudoLabels(Adaptor):
    """G labels unlabeled target images itself, and learns what it is sure of."""

    class Settings(BaseModel):
        """What it adds to the method's settings."""

        lambda_pseudo: float = Field(default=1.0, ge=0)
        certainty: float = Field(default=0.9, ge=0, lt=1)

    UNLABELED = "with gradient"
    config: Any
    """The method's settings, with those above."""

    @classmethod
    def inert(cls, values: Mapping[str, Any]) -> frozenset[str]:
        """Where nothing is learnt from pseudo-labels, which pixels have some."""
        return frozenset({"certainty"} if values.get("lambda_pseudo") == 0 else ())

    @classmethod
    def lambdas(cls, config: Any) -> Mapping[str, float]:
        """Of the loss of pseudo-labels."""
        return {"pseudo": config.lambda_pseudo}

    def on_unlabeled(self, outputs: Outputs[Any]) -> Tensor:
        """Scores (N, c, h, w) of unlabeled images."""
        return outputs.scores.float()

    def adapt(self, source: Any, labeled: Any, unlabeled: Tensor) -> tuple[Tensor, Tensor]:
        """Scores (N, c, h, w), and the classes (N, h, w) of pixels that G is sure of."""
        return unlabeled, pseudo_labels(unlabeled.detach(), self.config.certainty)

    def generator_losses(self, adapted: tuple[Tensor, Tensor]) -> Mapping[str, Tensor]:
        """Cross-entropy of these pixels, divided by the number of all: little at first, when G is sure of few."""
        scores, labels = adapted
        return {"pseudo": F.cross_entropy(scores, labels, ignore_index=IGNORE, reduction="sum") / labels.numel()}

    def metrics(self, adapted: tuple[Tensor, Tensor]) -> Mapping[str, Tensor]:
        """The share of pixels that have a pseudo-label."""
        return {"pseudo_labeled": (adapted[1] != IGNORE).float().mean()}


def pseudo_labels(scores: Tensor, certainty: float) -> Tensor:
    """The most probable class (N, h, w) of scores (N, c, h, w), 255 where its probability is not above `certainty`."""
    sure, classes = scores.softmax(1).max(1)
    return classes.where(sure > certainty, IGNORE)
