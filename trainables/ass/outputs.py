"""What a step sees: images of each kind on the device, and G's outputs for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from torch import Tensor

from trainables.ass.segmentation import downsample_labels


@dataclass(frozen=True)
class Unlabeled:
    """Pixels (N, 3, H, W) uint8."""

    pixels: Tensor


@dataclass(frozen=True)
class Images(Unlabeled):
    """Pixels (N, 3, H, W) uint8 and labels (N, H, W) int64."""

    labels: Tensor


Seen = TypeVar("Seen", bound=Unlabeled)


@dataclass(frozen=True)
class Outputs(Generic[Seen]):
    """Features F (N, n, h, w) and scores (N, c, h, w) of images, before upsampling and softmax."""

    features: Tensor
    scores: Tensor
    images: Seen

    @property
    def labels(self: Outputs[Images]) -> Tensor:
        """Labels y (N, h, w) of F's size."""
        return downsample_labels(self.images.labels, self.features.shape[-2:])
