from __future__ import annotations

import numpy as np
import pytest
import torch

from trainables.ass.adaptor import SOURCE, TARGET
from trainables.ass.csa import CSA

CLASSES, CHANNELS = 3, 5


@pytest.fixture
def sa() -> CSA:
    return CSA(CHANNELS, 7, CLASSES).double()


@pytest.fixture
def features() -> torch.Tensor:
    return torch.tensor(np.random.default_rng(0).normal(size=(2, CHANNELS, 2, 3)))


@pytest.fixture
def labels() -> torch.Tensor:
    return torch.tensor([[[0, 1, 255], [2, 2, 0]], [[255, 255, 1], [1, 0, 0]]])


def pixel_answers(sa: CSA, features: torch.Tensor, labels: torch.Tensor) -> list[tuple[int, np.ndarray]]:
    """Class and log-probabilities of every valid pixel, with the 1x1 convolutions as matrix products."""
    weights = {name: weight.detach().numpy().squeeze() for name, weight in sa.layers.named_parameters()}
    answers = []
    for n, i, j in np.ndindex(*labels.shape):
        if (k := int(labels[n, i, j])) != 255:
            hidden = weights["0.weight"] @ features.detach().numpy()[n, :, i, j] + weights["0.bias"]
            logits = weights["2.weight"] @ np.where(hidden > 0, hidden, 0.2 * hidden) + weights["2.bias"]
            answers.append((k, logits - np.log(np.exp(logits).sum())))
    return answers


def adversarial_loss(sa: CSA, features: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    examples, classes = sa.examples(features, labels)
    return sa.adversarial_loss(sa(examples), classes)


def discriminator_loss(
    sa: CSA, features: torch.Tensor, labels: torch.Tensor, domain: int
) -> tuple[torch.Tensor, torch.Tensor]:
    examples, classes = sa.examples(features, labels)
    return sa.discriminator_loss(sa(examples), classes, domain)


def test_equation_7_asks_for_the_target_half_at_every_valid_pixel(
    sa: CSA, features: torch.Tensor, labels: torch.Tensor
) -> None:
    expected = np.mean([-answer[k + CLASSES] for k, answer in pixel_answers(sa, features, labels)])
    assert adversarial_loss(sa, features, labels).item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("domain", [SOURCE, TARGET])
def test_equation_8_asks_for_the_class_in_its_own_half(
    sa: CSA, features: torch.Tensor, labels: torch.Tensor, domain: int
) -> None:
    answers = pixel_answers(sa, features, labels)
    loss, accuracy = discriminator_loss(sa, features, labels, domain)
    assert loss.item() == pytest.approx(np.mean([-answer[k + domain * CLASSES] for k, answer in answers]), rel=1e-12)
    right = [(answer.argmax() >= CLASSES) == bool(domain) for _, answer in answers]
    assert accuracy.item() == pytest.approx(np.mean(right))


def test_ignored_pixels_get_no_gradient(sa: CSA, features: torch.Tensor, labels: torch.Tensor) -> None:
    features.requires_grad_()
    adversarial_loss(sa, features, labels).backward()
    assert features.grad is not None
    ignored = (labels == 255).unsqueeze(1).expand_as(features)
    assert not features.grad[ignored].any()
    assert features.grad[~ignored].all()


def test_images_without_labels_have_loss_zero(sa: CSA, features: torch.Tensor, labels: torch.Tensor) -> None:
    nothing = torch.full_like(labels, 255)
    assert adversarial_loss(sa, features, nothing).item() == 0
    assert discriminator_loss(sa, features, nothing, TARGET)[0].item() == 0
