"""Section 3.3.2: CNN semantic adaptation, on every pixel of F."""

from __future__ import annotations

from torch import Tensor, nn

from trainables.ass.precision import at_least_float32
from trainables.ass.semantic import SemanticAdaptation


class CSA(SemanticAdaptation):
    """D_s of two 1x1 convolutions on F itself; its losses are Eqs 7 and 8."""

    def __init__(self, channels: int, hidden: int, classes: int) -> None:
        layers = nn.Sequential(nn.Conv2d(channels, hidden, 1), nn.LeakyReLU(0.2), nn.Conv2d(hidden, 2 * classes, 1))
        super().__init__(layers, classes)

    def examples(self, features: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """F (N, n, h, w) and y (N, h, w), 255 for ignored pixels, as they are."""
        return features, labels

    def forward(self, examples: Tensor) -> Tensor:
        """F (N, n, h, w) to logits (N, 2c, h, w)."""
        return at_least_float32(self.layers(examples))
