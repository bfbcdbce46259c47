"""A discriminator's output for source images: one forward pass that serves both sides of Eq 11."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class Judged(NamedTuple):
    """Logits of a discriminator D, with two graphs that end at each other.

    G descends Eq 9 with D fixed, and D descends Eq 10 with G fixed. Both use the same logits, because D does not
    change before G has made its step. D judges a detached copy of its inputs, so each side has a graph of its own.
    """

    inputs: Tensor
    """What G made: maps P_s or feature vectors."""
    copy: Tensor
    """The same values, detached from G."""
    logits: Tensor
    """D's output for the copy."""

    def for_generator(self, loss: Tensor) -> Tensor:
        """A loss of the logits (scalar) as one of the inputs: its gradient reaches G, and no weight of D."""
        (gradient,) = torch.autograd.grad(loss, self.copy, retain_graph=True)
        return _AtInputs.apply(self.inputs, loss.detach(), gradient)


def judge(discriminator: nn.Module, inputs: Tensor) -> Judged:
    """Let a discriminator judge what G made."""
    copy = inputs.detach().requires_grad_()
    return Judged(inputs, copy, discriminator(copy))


class _AtInputs(torch.autograd.Function):
    """A value whose gradient is already known."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, value: Tensor, gradient: Tensor) -> Tensor:
        ctx.save_for_backward(gradient)
        return value.clone()

    @staticmethod
    @once_differentiable
    # torch's own type has one tensor for any number of them
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, outer: Tensor
    ) -> tuple[Tensor, None, None]:
        (gradient,) = ctx.saved_tensors
        return gradient * outer, None, None
