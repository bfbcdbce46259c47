from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from trainables.ass.adaptor import SOURCE, TARGET
from trainables.ass.global_adaptation import GlobalAdaptation


@pytest.fixture
def ga() -> GlobalAdaptation:
    return GlobalAdaptation(classes=4, channels=(6, 8), map_scale=0.5).double()


def target_probability(ga: GlobalAdaptation, maps: torch.Tensor) -> np.ndarray:
    with torch.no_grad():
        return 1 / (1 + np.exp(-ga.layers(maps).numpy()))


def test_equation_2_asks_that_source_maps_be_taken_for_the_target(ga: GlobalAdaptation) -> None:
    maps = torch.randn(2, 4, 16, 24, dtype=torch.float64).softmax(1)
    expected = -np.log(target_probability(ga, maps)).mean()
    assert ga.adversarial_loss(ga(maps)).item() == pytest.approx(expected, rel=1e-12)


def test_equation_3_has_the_source_as_0_and_the_target_as_1(ga: GlobalAdaptation) -> None:
    maps = torch.randn(2, 4, 16, 24, dtype=torch.float64).softmax(1)
    probability = target_probability(ga, maps)
    on_source, right_on_source = ga.discriminator_loss(ga(maps), SOURCE)
    on_target, right_on_target = ga.discriminator_loss(ga(maps), TARGET)
    assert (SOURCE, TARGET) == (0, 1)
    assert on_source.item() == pytest.approx(-np.log(1 - probability).mean(), rel=1e-12)
    assert on_target.item() == pytest.approx(-np.log(probability).mean(), rel=1e-12)
    assert right_on_target.item() == pytest.approx((probability > 0.5).mean())
    assert right_on_source.item() == pytest.approx((probability <= 0.5).mean())


def test_descending_equation_2_moves_source_maps_towards_what_d_g_takes_for_the_target(ga: GlobalAdaptation) -> None:
    scores = torch.randn(1, 4, 16, 24, dtype=torch.float64, requires_grad=True)
    before = target_probability(ga, scores.detach().softmax(1)).mean()
    (gradient,) = torch.autograd.grad(ga.adversarial_loss(ga(scores.softmax(1))), scores)
    after = target_probability(ga, (scores - 10 * gradient).detach().softmax(1)).mean()
    assert after > before


def test_maps_are_class_probabilities_at_a_fraction_of_the_image_size(ga: GlobalAdaptation) -> None:
    maps = ga.maps(torch.randn(2, 4, 8, 16), (64, 128))
    assert maps.shape == (2, 4, 32, 64)
    torch.testing.assert_close(maps.sum(1), torch.ones(2, 32, 64))


def test_the_paper_sized_d_g_is_five_4x4_convolutions_of_stride_2_with_leaky_relus_between() -> None:
    layers = list(GlobalAdaptation(19, (64, 128, 256, 512), 1.0).layers)
    convolutions = [layer for layer in layers if isinstance(layer, nn.Conv2d)]
    assert [layer.out_channels for layer in convolutions] == [64, 128, 256, 512, 1]
    assert {(layer.kernel_size, layer.stride) for layer in convolutions} == {((4, 4), (2, 2))}
    slopes = [layer.negative_slope for layer in layers if isinstance(layer, nn.LeakyReLU)]
    assert slopes == [0.2] * 4
    assert len(layers) == 9
