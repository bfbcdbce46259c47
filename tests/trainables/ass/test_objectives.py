from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from trainables.ass.config import AssConfig
from trainables.ass.objectives import discriminator_objective, generator_objective


def scalars(**values: float) -> dict[str, torch.Tensor]:
    return {name: torch.tensor(value, dtype=torch.float64) for name, value in values.items()}


def test_equation_9_weighs_both_segmentation_losses_alike(configure: Callable[..., AssConfig]) -> None:
    config = configure(lambda_seg=2.0, lambda_gadv=0.3, lambda_sadv=0.05)
    losses = scalars(seg_source=1.1, seg_labeled=1.7, gadv=0.9, sadv=2.3)
    expected = 2.0 * (1.1 + 1.7) + 0.3 * 0.9 + 0.05 * 2.3
    assert generator_objective(losses, config).item() == pytest.approx(expected, rel=1e-12)
    assert generator_objective(scalars(seg_labeled=1.7), config).item() == pytest.approx(2.0 * 1.7, rel=1e-12)


def test_equation_10_weighs_the_sums_of_the_discriminators_losses(configure: Callable[..., AssConfig]) -> None:
    config = configure(lambda_gd=0.7, lambda_sd=3.0)
    objective = discriminator_objective(scalars(gd=1.2, sd=4.1), config)
    assert objective.item() == pytest.approx(0.7 * 1.2 + 3.0 * 4.1, rel=1e-12)
