"""One forward pass of a discriminator gives both sides the gradients of a pass of their own."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainables.ass.judged import judge


def made() -> tuple[Tensor, nn.Module]:
    """Something that G made, of a weight of G's, and a discriminator."""
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(3, 4, generator=generator, dtype=torch.float64).requires_grad_()
    discriminator = nn.Sequential(nn.Linear(4, 5), nn.LeakyReLU(0.2), nn.Linear(5, 1)).double()
    return weight, discriminator


def test_a_loss_of_the_generator_reaches_the_generator_and_no_weight_of_the_discriminator() -> None:
    weight, discriminator = made()
    judged = judge(discriminator, weight.sin())
    loss = judged.for_generator(judged.logits.exp().mean())
    (3 * loss).backward()
    expected = 3 * discriminator(weight.sin()).exp().mean()
    assert loss.item() * 3 == expected.item()
    torch.testing.assert_close(weight.grad, torch.autograd.grad(expected, weight)[0])
    assert all(parameter.grad is None for parameter in discriminator.parameters())


def test_a_loss_of_the_discriminator_reaches_its_weights_and_nothing_of_the_generator() -> None:
    weight, discriminator = made()
    judged = judge(discriminator, weight.sin())
    judged.for_generator(judged.logits.exp().mean()).backward()
    weight.grad = None
    (judged.logits**2).mean().backward()
    found = [parameter.grad for parameter in discriminator.parameters()]
    expected = torch.autograd.grad((discriminator(weight.sin().detach()) ** 2).mean(), list(discriminator.parameters()))
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)
    assert weight.grad is None
