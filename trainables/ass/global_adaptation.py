"""Section 3.2: GA, adversarial training on score maps, with D_g of AdaptSegNet (Tsai et al., 2018)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainables.ass.adaptor import TARGET
from trainables.ass.precision import at_least_float32
from trainables.ass.segmentation import upsample


class GlobalAdaptation(nn.Module):
    """D_g: 4x4 convolutions of stride 2 with leaky ReLUs between, from class probabilities to one domain logit.

    Its sigmoid is D_g(P)^(.,.,1), the probability of the target domain; one minus it is D_g(P)^(.,.,0).
    """

    def __init__(self, classes: int, channels: Sequence[int], map_scale: float) -> None:
        super().__init__()
        self.map_scale = map_scale
        layers: list[nn.Module] = []
        for inputs, outputs in zip((classes, *channels), channels, strict=False):
            layers += [nn.Conv2d(inputs, outputs, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(channels[-1], 1, 4, stride=2, padding=1))

    def maps(self, scores: Tensor, image_size: tuple[int, ...]) -> Tensor:
        """P: softmax of scores (N, c, h, w), interpolated to `map_scale` of the image size (H, W)."""
        return upsample(scores, tuple(round(length * self.map_scale) for length in image_size)).softmax(1)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps P (N, c, h, w) to logits of the target domain (N, 1, h', w'), float32."""
        return at_least_float32(self.layers(maps))

    def adversarial_loss(self, logits: Tensor) -> Tensor:
        """L_gadv (Eq 2), a mean over h', w', of logits of source maps: they should look like target maps."""
        return _domain_loss(logits, TARGET)

    def discriminator_loss(self, logits: Tensor, domain: int) -> tuple[Tensor, Tensor]:
        """L_gd (Eq 3), a mean over h', w', of logits of maps of a domain z; and the share that is classified right."""
        return _domain_loss(logits, domain), ((logits.detach() > 0) == (domain == TARGET)).float().mean()


def _domain_loss(logits: Tensor, domain: int) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, domain))
