from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from trainables.ass.config import AssConfig
from trainables.ass.networks.build import build_network
from trainables.ass.optimization import Optimizers, schedule, segmentation_optimizer
from trainables.ass.trainer import Trainer

Configure = Callable[..., AssConfig]


def test_learning_rates_warm_up_and_decay_polynomially_to_0(configure: Configure) -> None:
    config = configure(iterations=100, warmup=4, power=0.9)
    found = [schedule(iteration, config) for iteration in range(101)]
    expected = [min(1, (k + 1) / 4) * (1 - k / 100) ** 0.9 for k in range(101)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert found[-1] == 0


def test_a_schedule_may_be_longer_than_training(configure: Configure) -> None:
    config = configure(iterations=100, warmup=0, schedule_iterations=400)
    assert schedule(100, config) == pytest.approx(0.75**0.9)


def test_a_schedule_that_ended_stays_at_0(configure: Configure) -> None:
    assert schedule(50, configure(iterations=100, schedule_iterations=20)) == 0


def test_sgd_is_nesterovs_with_momentum_and_l2(configure: Configure) -> None:
    module = nn.Linear(3, 1, bias=False).double()
    config = configure(optimizer="sgd", lr=0.1, momentum=0.9, weight_decay=0.01)
    optimizer = segmentation_optimizer(module, config)
    weight = module.weight.detach().numpy().copy()
    velocity = np.zeros_like(weight)
    for _ in range(3):
        optimizer.zero_grad()
        (module.weight**2).sum().backward()
        optimizer.step()
        gradient = 2 * weight + 0.01 * weight
        velocity = 0.9 * velocity + gradient
        weight = weight - 0.1 * (gradient + 0.9 * velocity)
    np.testing.assert_allclose(module.weight.detach().numpy(), weight, rtol=1e-12)


def test_weight_decay_may_spare_norms_and_biases(configure: Configure) -> None:
    config = configure(optimizer="adamw", lr=0.1, weight_decay=0.5, decay_norms_and_biases=False)
    convolution = nn.Conv2d(1, 2, 1)
    module = nn.Sequential(convolution, nn.BatchNorm2d(2))
    before = [parameter.detach().clone() for parameter in module.parameters()]
    for parameter in module.parameters():
        parameter.grad = torch.zeros_like(parameter)
    segmentation_optimizer(module, config).step()
    after = list(module.parameters())
    torch.testing.assert_close(after[0], before[0] * 0.95)
    for one, other in zip(after[1:], before[1:], strict=True):
        assert torch.equal(one, other)


def test_every_part_has_its_own_rate_under_one_schedule(configure: Configure, tiny_pair: Any) -> None:
    config = configure(iterations=10, warmup=0, lr=0.01, classifier_lr_factor=10, lr_gd=1e-3, lr_sd=1e-4)
    trainer = Trainer(config, tiny_pair)
    trainer.optimizers.set_rates(4)
    expected = {
        name: rate * 0.6**0.9
        for name, rate in zip(("backbone", "classifier", "gd", "sd"), (0.01, 0.1, 1e-3, 1e-4), strict=True)
    }
    assert trainer.optimizers.current_rates() == pytest.approx(expected, rel=1e-12)


def test_discriminators_are_trained_by_adam_with_the_papers_moments(configure: Configure, tiny_pair: Any) -> None:
    optimizers = Trainer(configure(), tiny_pair).optimizers.optimizers
    for name in ("gd", "sd"):
        assert isinstance(optimizers[name], torch.optim.Adam)
        assert optimizers[name].defaults["betas"] == (0.9, 0.99)
        assert optimizers[name].defaults["weight_decay"] == 0


@pytest.mark.parametrize(("still", "moving"), [("gd", "sd"), ("sd", "gd")])
def test_a_discriminator_of_learning_rate_0_never_moves(
    configure: Configure, tiny_pair: Any, still: str, moving: str
) -> None:
    trainer = Trainer(configure(**{f"lr_{still}": 0.0}), tiny_pair)
    before = {name: [p.detach().clone() for p in d.parameters()] for name, d in trainer.model.discriminators().items()}
    trainer.train_until(3)
    after = {name: list(d.parameters()) for name, d in trainer.model.discriminators().items()}
    assert all(torch.equal(a, b) for a, b in zip(after[still], before[still], strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(after[moving], before[moving], strict=True))


def test_clipping_bounds_the_norm_of_the_gradient(configure: Configure) -> None:
    network = build_network(configure(), 4)
    optimizers = Optimizers(configure(clip_norm=0.5), network, {}, {})
    optimizers.step_generator(torch.stack([(p**2).sum() for p in network.parameters()]).sum())
    norm = torch.stack([p.grad.norm() for p in network.parameters() if p.grad is not None]).norm()
    assert norm.item() == pytest.approx(0.5, rel=1e-4)


def test_the_backbone_may_take_several_steps_on_one_gradient(configure: Configure) -> None:
    moved = {}
    for steps in (1, 3):
        config = configure(momentum=0.0, weight_decay=0.0, backbone_steps=steps)
        network = build_network(config, 4)
        before = [p.detach().clone() for p in network.parameters()]
        Optimizers(config, network, {}, {}).step_generator(torch.stack([p.sum() for p in network.parameters()]).sum())
        moved[steps] = [(a - b).mean().item() for a, b in zip(network.parameters(), before, strict=True)]
    backbone = len(list(network.backbone.parameters()))
    np.testing.assert_allclose(moved[3][:backbone], 3 * np.array(moved[1][:backbone]), rtol=1e-3)
    np.testing.assert_allclose(moved[3][backbone:], moved[1][backbone:], rtol=1e-6)
