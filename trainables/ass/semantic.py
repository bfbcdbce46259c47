"""Section 3.3: what FCSA and CSA share, a discriminator D_s that predicts class and domain together."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from trainables.ass.adaptor import TARGET
from trainables.ass.segmentation import mean_cross_entropy
from trainables.domains.classes import IGNORE


class SemanticAdaptation(nn.Module, ABC):
    """D_s: feature vectors to 2c channels, the first c for the source's classes, the last c for the target's."""

    def __init__(self, layers: nn.Sequential, classes: int) -> None:
        super().__init__()
        self.layers = layers
        self.classes = classes

    @abstractmethod
    def examples(self, features: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """What D_s judges, made from F (N, n, h, w) and y (N, h, w), and its classes, 255 where there is none."""

    @abstractmethod
    def forward(self, examples: Tensor) -> Tensor:
        """Examples to logits with the 2c channels as second dimension, float32."""

    def adversarial_loss(self, logits: Tensor, classes: Tensor) -> Tensor:
        """L_sadv (Eqs 5 and 7), a mean over examples: source features should look like the target's of their class."""
        return self._loss(logits, classes, TARGET)

    def discriminator_loss(self, logits: Tensor, classes: Tensor, domain: int) -> tuple[Tensor, Tensor]:
        """L_sd (Eqs 6 and 8), a mean over examples, for examples of one domain z; and the share put in domain z."""
        valid = classes != IGNORE
        right = (logits.detach().argmax(1) // self.classes == domain) & valid
        return self._loss(logits, classes, domain), right.sum() / valid.sum().clamp(min=1)

    def _loss(self, logits: Tensor, classes: Tensor, domain: int) -> Tensor:
        return mean_cross_entropy(logits, classes.where(classes == IGNORE, classes + domain * self.classes))
