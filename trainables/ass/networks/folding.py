"""Normalisation that never changes is part of the convolution before it: y = s (w x) + t = (s w) x + t."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ScaledConv2d(nn.Conv2d):
    """A convolution whose weight (outputs, inputs, h, w) is used times a fixed factor (outputs,) for each output.

    The unscaled weight is the one that is trained, decayed and saved; only the product is applied to images.
    """

    scale: Tensor

    def take_scale(self, scale: Tensor) -> None:
        """Use a factor."""
        self.register_buffer("scale", scale.view(-1, 1, 1, 1))

    def forward(self, input: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H', W')."""
        return self._conv_forward(input, self.weight * self.scale, self.bias)


def fold_normalisation(module: nn.Module) -> None:
    """Fold every BatchNorm2d inside `module`, at its statistics of pre-training, into the convolution before it.

    The feature maps before normalisation are then not kept for a gradient: a step needs about half the memory. Which
    convolution comes before is read from the order of declaration; a BatchNorm2d stays as it is unless a convolution
    without bias comes before it, one of torch's own.
    """
    before: nn.Module | None = None
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d) and type(before) is nn.Conv2d and before.bias is None:
            _fold(before, child)
            setattr(module, name, nn.Identity())
        fold_normalisation(child)
        before = child


@torch.no_grad()
def _fold(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    assert norm.running_mean is not None and norm.running_var is not None
    scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
    convolution.bias = nn.Parameter(norm.bias - norm.running_mean * scale, requires_grad=False)
    convolution.__class__ = ScaledConv2d  # a parametrization would be a class of its own for each, which none compiles
    assert isinstance(convolution, ScaledConv2d)
    convolution.take_scale(scale)
