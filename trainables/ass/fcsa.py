"""Section 3.3.1: fully connected semantic adaptation, on class-averaged feature vectors."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainables.ass.precision import at_least_float32
from trainables.ass.semantic import SemanticAdaptation
from trainables.domains.classes import IGNORE


class FCSA(SemanticAdaptation):
    """D_s of two fully connected layers on the vectors V^k of each image; its losses are Eqs 5 and 6."""

    def __init__(self, channels: int, hidden: int, classes: int) -> None:
        layers = nn.Sequential(nn.Linear(channels, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, 2 * classes))
        super().__init__(layers, classes)

    def examples(self, features: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """V (N, c, n), and its classes (N, c), 255 for classes that do not occur in the image."""
        vectors, present = class_averages(features, labels, self.classes)
        return vectors, torch.arange(self.classes, device=labels.device).where(present, IGNORE)

    def forward(self, examples: Tensor) -> Tensor:
        """V (N, c, n) to logits (N, 2c, c)."""
        return at_least_float32(self.layers(examples)).transpose(1, 2)


def class_averages(features: Tensor, labels: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """V^k (Eq 4): the mean of F over the pixels of class k, for each image on its own.

    From F (N, n, h, w) and y (N, h, w): V (N, c, n), zero for a class that does not occur in an image, and whether
    each class occurs, (N, c) bool.
    """
    members = F.one_hot(labels.where(labels != IGNORE, classes).flatten(1), classes + 1)[..., :classes]
    counts = members.sum(1)
    sums = members.to(features.dtype).transpose(1, 2) @ features.flatten(2).transpose(1, 2)
    return sums / counts.clamp(min=1).unsqueeze(2), counts > 0
