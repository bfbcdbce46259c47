"""Which loss moves which network: each is updated by its own loss only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from trainables.ass.adaptation import PAPER, adaptation
from trainables.ass.batches import Batch, Batches
from trainables.ass.config import AssConfig
from trainables.ass.model import Model
from trainables.ass.objectives import discriminator_objective, generator_objective
from trainables.ass.segmentation import segmentation_loss

Made = Callable[..., tuple[Model, Batch, AssConfig]]


@pytest.fixture
def make(configure: Callable[..., AssConfig], tiny_pair: Any) -> Made:
    def make(**changes: Any) -> tuple[Model, Batch, AssConfig]:
        config = configure(**changes)
        batch = Batches(config, tiny_pair, torch.device("cpu")).load(0)
        return Model(config, len(tiny_pair.classes)).double(), batch, config

    return make


def gradients(module: nn.Module) -> list[Tensor | None]:
    return [parameter.grad for parameter in module.parameters()]


@pytest.mark.parametrize("adaptor", PAPER)
def test_the_objective_of_g_reaches_all_of_g_and_no_discriminator(make: Made, adaptor: str) -> None:
    model, batch, config = make(adaptor=adaptor)
    generator_objective(model.generator_losses(model(batch)), config).backward()
    assert all(gradient is not None and gradient.any() for gradient in gradients(model.network))
    for discriminator in model.discriminators().values():
        assert gradients(discriminator) == [None] * len(list(discriminator.parameters()))
        assert all(parameter.requires_grad for parameter in discriminator.parameters())


@pytest.mark.parametrize("adaptor", [name for name in PAPER if adaptation(name).adaptors])
def test_the_objective_of_the_discriminators_reaches_all_of_them_and_nothing_of_g(make: Made, adaptor: str) -> None:
    model, batch, config = make(adaptor=adaptor)
    losses, _ = model.discriminator_losses(model(batch))
    discriminator_objective(losses, config).backward()
    assert gradients(model.network) == [None] * len(list(model.network.parameters()))
    for discriminator in model.discriminators().values():
        assert all(gradient is not None and gradient.any() for gradient in gradients(discriminator))


@pytest.mark.parametrize("adaptor", ["ga", "ga+fcsa", "ga+csa"])
def test_each_discriminator_follows_its_own_loss_only(make: Made, adaptor: str) -> None:
    model, batch, config = make(adaptor=adaptor)
    for name, discriminator in model.discriminators().items():
        model.zero_grad()
        losses, _ = model.discriminator_losses(model(batch))
        losses[name].backward()
        alone = [gradient.clone() for gradient in gradients(discriminator) if gradient is not None]
        model.zero_grad()
        losses, _ = model.discriminator_losses(model(batch))
        discriminator_objective(losses, config).backward()
        together = [gradient for gradient in gradients(discriminator) if gradient is not None]
        for a, b in zip(alone, together, strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=0)


@pytest.mark.parametrize("adaptor", ["ga", "fcsa", "csa", "ga+fcsa", "ga+csa"])
def test_with_adversarial_lambdas_of_0_g_has_the_gradient_of_the_segmentation_losses_alone(
    make: Made, adaptor: str
) -> None:
    model, batch, config = make(adaptor=adaptor, lambda_gadv=0, lambda_sadv=0, lambda_seg=0.7)
    generator_objective(model.generator_losses(model(batch)), config).backward()
    alone, _, _ = make(adaptor="joint")
    source, labeled, *_ = alone(batch)
    assert source and labeled
    loss = segmentation_loss(source.scores, source.images.labels)
    loss = loss + segmentation_loss(labeled.scores, labeled.images.labels)
    (0.7 * loss).backward()
    for found, expected in zip(gradients(model.network), gradients(alone.network), strict=True):
        assert expected is not None and expected.any()
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    ("weight", "adaptor"), [("lambda_gadv", "ga"), ("lambda_sadv", "csa"), ("lambda_sadv", "fcsa")]
)
def test_an_adversarial_loss_moves_g(make: Made, weight: str, adaptor: str) -> None:
    found = []
    for value in (0.0, 1.0):
        model, batch, config = make(adaptor=adaptor, **{weight: value})
        generator_objective(model.generator_losses(model(batch)), config).backward()
        found.append(next(model.network.parameters()).grad)
    assert not torch.equal(*found)
