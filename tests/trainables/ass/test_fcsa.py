from __future__ import annotations

import numpy as np
import pytest
import torch

from trainables.ass.adaptor import SOURCE, TARGET
from trainables.ass.fcsa import FCSA, class_averages

CLASSES, CHANNELS = 4, 5


@pytest.fixture
def sa() -> FCSA:
    return FCSA(CHANNELS, 7, CLASSES).double()


@pytest.fixture
def features() -> torch.Tensor:
    return torch.tensor(np.random.default_rng(0).normal(size=(2, CHANNELS, 3, 4)))


@pytest.fixture
def labels() -> torch.Tensor:
    """Class 3 is in no image, class 2 only in the second, and some pixels are ignored."""
    first = [[0, 0, 1, 1], [0, 255, 255, 1], [0, 0, 0, 0]]
    second = [[2, 2, 1, 1], [255, 0, 0, 1], [2, 2, 2, 2]]
    return torch.tensor([first, second])


def averages(features: torch.Tensor, labels: torch.Tensor) -> dict[tuple[int, int], np.ndarray]:
    """V^k of each image that has class k, from a loop over pixels."""
    found: dict[tuple[int, int], list[np.ndarray]] = {}
    for n, i, j in np.ndindex(*labels.shape):
        if (k := int(labels[n, i, j])) != 255:
            found.setdefault((n, k), []).append(features.detach().numpy()[n, :, i, j])
    return {key: np.mean(vectors, axis=0) for key, vectors in found.items()}


def log_probabilities(sa: FCSA, vector: np.ndarray) -> np.ndarray:
    weights = {name: weight.detach().numpy() for name, weight in sa.layers.named_parameters()}
    hidden = weights["0.weight"] @ vector + weights["0.bias"]
    hidden = np.where(hidden > 0, hidden, 0.2 * hidden)
    logits = weights["2.weight"] @ hidden + weights["2.bias"]
    return logits - np.log(np.exp(logits).sum())


def adversarial_loss(sa: FCSA, features: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    examples, classes = sa.examples(features, labels)
    return sa.adversarial_loss(sa(examples), classes)


def discriminator_loss(
    sa: FCSA, features: torch.Tensor, labels: torch.Tensor, domain: int
) -> tuple[torch.Tensor, torch.Tensor]:
    examples, classes = sa.examples(features, labels)
    return sa.discriminator_loss(sa(examples), classes, domain)


def test_equation_4_averages_features_by_class_and_image(features: torch.Tensor, labels: torch.Tensor) -> None:
    vectors, present = class_averages(features, labels, CLASSES)
    expected = averages(features, labels)
    assert present.tolist() == [[(n, k) in expected for k in range(CLASSES)] for n in range(2)]
    for (n, k), vector in expected.items():
        np.testing.assert_allclose(vectors[n, k].numpy(), vector, rtol=1e-12)
    assert not vectors[~present].any()


def test_equation_5_asks_for_the_target_half_at_the_same_class(
    sa: FCSA, features: torch.Tensor, labels: torch.Tensor
) -> None:
    terms = [-log_probabilities(sa, v)[k + CLASSES] for (_, k), v in averages(features, labels).items()]
    assert adversarial_loss(sa, features, labels).item() == pytest.approx(np.mean(terms), rel=1e-12)


@pytest.mark.parametrize("domain", [SOURCE, TARGET])
def test_equation_6_asks_for_the_class_in_its_own_half(
    sa: FCSA, features: torch.Tensor, labels: torch.Tensor, domain: int
) -> None:
    answers = [(k, log_probabilities(sa, v)) for (_, k), v in averages(features, labels).items()]
    loss, accuracy = discriminator_loss(sa, features, labels, domain)
    expected = np.mean([-answer[k + domain * CLASSES] for k, answer in answers])
    assert loss.item() == pytest.approx(expected, rel=1e-12)
    right = [(answer.argmax() >= CLASSES) == bool(domain) for _, answer in answers]
    assert accuracy.item() == pytest.approx(np.mean(right))


def test_absent_classes_and_ignored_pixels_contribute_nothing(
    sa: FCSA, features: torch.Tensor, labels: torch.Tensor
) -> None:
    features.requires_grad_()
    adversarial_loss(sa, features, labels).backward()
    assert features.grad is not None
    ignored = (labels == 255).unsqueeze(1).expand_as(features)
    assert not features.grad[ignored].any()
    assert features.grad[~ignored].all()
    only_first = adversarial_loss(sa, features[:1], labels[:1])
    with_an_empty_image = adversarial_loss(sa, features, torch.stack([labels[0], torch.full_like(labels[1], 255)]))
    assert with_an_empty_image.item() == pytest.approx(only_first.item(), rel=1e-12)


def test_images_without_labels_have_loss_zero(sa: FCSA, features: torch.Tensor, labels: torch.Tensor) -> None:
    nothing = torch.full_like(labels, 255)
    assert adversarial_loss(sa, features, nothing).item() == 0
    loss, accuracy = discriminator_loss(sa, features, nothing, SOURCE)
    assert (loss.item(), accuracy.item()) == (0, 0)
