"""G and CH: a backbone that gives features F and a classifier that gives score maps (figure 2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from trainables.ass.networks.atrous_classifier import AtrousClassifier
from trainables.ass.networks.folding import fold_normalisation
from trainables.ass.networks.normalisation import Pass, replace_normalisation
from trainables.ass.precision import at_least_float32, normalised


@dataclass(frozen=True)
class Backbone:
    """A feature extractor, the channels n of its features, and the pixel statistics (0..255) it expects."""

    body: nn.Module
    channels: int
    pixel_mean: tuple[float, float, float]
    pixel_std: tuple[float, float, float]


class SegmentationNetwork(nn.Module):
    """G and CH, called one after the other so that the adaptation modules can use F."""

    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(
        self, backbone: Backbone, classes: int, rates: Sequence[int], normalisation: str, train_affine: bool
    ) -> None:
        super().__init__()
        self.now = Pass()
        self.channels = backbone.channels
        self.backbone = backbone.body
        self.classifier = AtrousClassifier(backbone.channels, classes, rates)
        if normalisation == "frozen" and not train_affine:
            fold_normalisation(self.backbone)
        replace_normalisation(self.backbone, normalisation, self.now, train_affine)
        for name, values in (("pixel_mean", backbone.pixel_mean), ("pixel_std", backbone.pixel_std)):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)

    def features(self, images: Tensor, source: int = 0, track: bool = True) -> Tensor:
        """G: images (N, 3, H, W) uint8 to F (N, n, h, w).

        The first `source` images are from the source domain, the others from the target domain. In training,
        running statistics follow the batch only if `track`.
        """
        self.now.source, self.now.track = source, track
        return self._extract(normalised(images, self.pixel_mean, self.pixel_std))

    def _extract(self, pixels: Tensor) -> Tensor:
        return self.backbone(pixels)

    def compile_backbone(self, backend: str | Callable[..., Any] = "inductor") -> None:
        """Compile G as a whole, once for each size of a batch; weights and their names stay as they are."""
        self._extract = torch.compile(self._extract, dynamic=False, backend=backend)

    def scores(self, features: Tensor) -> Tensor:
        """CH: F (N, n, h, w) to scores before softmax (N, c, h, w), float32 at least."""
        return at_least_float32(self.classifier(features))
