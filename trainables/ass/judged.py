"""What a discriminator makes of source images: one forward pass that serves both sides of Eq 11."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class Judged(NamedTuple):
    """Logits of a discriminator D, with two graphs that end at each other.

    G descends Eq 9 with D held, and D descends Eq 10 with G held, on the same logits, since D is as it was until G
    has made its step. A copy without a past is judged, so each side has a graph of its own.
    """

    inputs: Tensor
    """What G made: maps P_s or feature vectors."""
    copy: Tensor
    """The same, cut off from G."""
    logits: Tensor
    """What D says of the copy."""

    def for_generator(self, loss: Tensor) -> Tensor:
        """A loss of the logits (scalar) as one of the inputs: its gradient reaches G and none of D's weights."""
        (gradient,) = torch.autograd.grad(loss, self.copy, retain_graph=True)
        return _AtInputs.apply(self.inputs, loss.detach(), gradient)


def judge(discriminator: nn.Module, inputs: Tensor) -> Judged:
    """Let a discriminator judge what G made."""
    copy = inputs.detach().requires_grad_()
    return Judged(inputs, copy, discriminator(copy))


class _AtInputs(torch.autograd.Function):
    """A value whose gradient is known already."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, value: Tensor, gradient: Tensor) -> Tensor:
        ctx.save_for_backward(gradient)
        return value.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor, None, None]:
        (gradient,) = ctx.saved_tensors
        return gradient * outer, None, None
