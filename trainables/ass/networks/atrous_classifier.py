"""CH, the classifier of DeepLab-v2 (Chen et al., 2018): atrous spatial pyramid pooling straight to class scores."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

KERNEL = 3


class AtrousClassifier(nn.Module):
    """CH: the sum of 3x3 convolutions of several dilations.

    Each of them is computed as one product of all features with all taps, whose results are then shifted and summed:
    convolution libraries are slow for few outputs and large dilations, above all in the backward pass.
    """

    def __init__(self, channels: int, classes: int, rates: Sequence[int]) -> None:
        super().__init__()
        self.classes = classes
        self.rates = tuple(rates)
        self.branches = nn.ModuleList(
            nn.Conv2d(channels, classes, KERNEL, padding=rate, dilation=rate) for rate in rates
        )
        for branch in self.branches:
            assert isinstance(branch, nn.Conv2d) and branch.bias is not None
            nn.init.normal_(branch.weight, std=0.01)
            nn.init.zeros_(branch.bias)

    def forward(self, features: Tensor) -> Tensor:
        """Features (N, n, h, w) to scores (N, c, h, w)."""
        taps = F.conv2d(features, torch.cat([_taps(branch.weight) for branch in self._convolutions()]))
        taps_of_rates = torch.split(taps.flatten(2), self.classes * KERNEL**2, 1)
        scores = torch.stack([branch.bias for branch in self._convolutions() if branch.bias is not None]).sum(0)
        scores = scores.view(1, -1, 1, 1)
        for rate, of_rate in zip(self.rates, taps_of_rates, strict=True):
            scores = scores + F.fold(of_rate, features.shape[-2:], KERNEL, dilation=rate, padding=rate)
        return scores

    def _convolutions(self) -> list[nn.Conv2d]:
        return [branch for branch in self.branches if isinstance(branch, nn.Conv2d)]


def _taps(weight: Tensor) -> Tensor:
    """A 3x3 kernel (c, n, 3, 3) as a 1x1 kernel (9 c, n, 1, 1), its taps reversed, since `fold` scatters them."""
    return weight.flip(2, 3).permute(0, 2, 3, 1).reshape(-1, weight.shape[1], 1, 1)
