"""Section 3.4: the two training objectives, over the terms that an adaptor has.

Eq 11 sets them against each other. They take turns: G descends Eq 9 with the discriminators fixed, then each
discriminator descends its part of Eq 10 with G fixed (features and maps are detached).
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from trainables.ass.adaptation import adaptation
from trainables.ass.config import AssConfig


def generator_objective(losses: Mapping[str, Tensor], config: AssConfig) -> Tensor:
    """L (Eq 9): lambda_seg (L_seg(I_s) + L_seg(I_tl)) + lambda_gadv L_gadv(I_s) + lambda_sadv L_sadv(I_s)."""
    segmentation = dict.fromkeys(("seg_source", "seg_labeled"), config.lambda_seg)
    return _weighted_sum(losses, {**segmentation, **_lambdas(config)})


def discriminator_objective(losses: Mapping[str, Tensor], config: AssConfig) -> Tensor:
    """L (Eq 10): lambda_gd (L_gd(F_s) + L_gd(F_tu)) + lambda_sd (L_sd(F_s) + L_sd(F_tl)); `losses` has the sums."""
    return _weighted_sum(losses, _lambdas(config))


def _lambdas(config: AssConfig) -> dict[str, float]:
    """Weights of the losses that the adaptors have."""
    adaptors = adaptation(config.adaptor).adaptors.values()
    return {loss: weight for adaptor in adaptors for loss, weight in adaptor.lambdas(config).items()}


def _weighted_sum(losses: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    first, *others = [weights[name] * loss for name, loss in losses.items()]
    return sum(others, start=first)
