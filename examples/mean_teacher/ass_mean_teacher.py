"""Mean teacher with class mixing: the baseline of semi-supervised segmentation that needs no discriminator.

A teacher, the moving average of G and CH (Tarvainen and Valpola, NeurIPS 2017), labels unlabeled target images.
ClassMix (Olsson et al., WACV 2021) pastes half of the classes of one such image onto another one, and G learns the
teacher's labels of the mixed image, weighted by the share of pixels that the teacher is sure of. Colours are not
augmented.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from pydantic import BaseModel, Field
from torch import Tensor, nn
from torch.nn import functional as F

from trainables.ass.adaptor import Adaptor
from trainables.ass.outputs import Outputs
from trainables.ass.segmentation import upsample
from trainables.domains.sampling import stream


class MeanTeacher(Adaptor):
    """EMA teacher, confidence-weighted pseudo-labels, ClassMix among the unlabeled images of a batch."""

    class Settings(BaseModel):
        """What it adds to the method's settings."""

        lambda_consistency: float = Field(default=1.0, ge=0)
        teacher_decay: float = Field(default=0.99, ge=0, lt=1)
        confidence: float = Field(default=0.968, ge=0, lt=1)

    UNLABELED = "without gradient"

    @classmethod
    def undefined(cls, values: Mapping[str, Any]) -> str | None:
        """Two images are mixed."""
        if values.get("unlabeled_batch") == 1:
            return f"{values.get('adaptor')} mixes unlabeled images, and unlabeled_batch is 1"
        return None

    @classmethod
    def lambdas(cls, config: Any) -> Mapping[str, float]:
        """Of the loss of mixed images."""
        return {"consistency": config.lambda_consistency}

    def networks(self) -> Mapping[str, nn.Module]:
        """The teacher, which begins as the student and is never descended."""
        self.teacher = copy.deepcopy(self.network).requires_grad_(False)
        return {"teacher": self.teacher}

    def on_unlabeled(self, outputs: Outputs[Any]) -> Tensor:
        """The images (N, 3, H, W) uint8 are all that it needs."""
        return outputs.images.pixels

    def adapt(self, source: Any, labeled: Any, unlabeled: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """G's scores (N, c, h, w) of mixed images, the teacher's labels (N, H, W) and their weights (N, H, W)."""
        with torch.no_grad():
            scores = self.teacher.scores(self.teacher.features(unlabeled, track=False))
            sure, labels = upsample(scores.float(), unlabeled.shape[-2:]).softmax(1).max(1)
            weights = trust(sure, self.config.confidence)
            pasted = class_masks(labels, self.config.seed, self.iteration)
            mixed = paste(unlabeled, pasted.unsqueeze(1))
        scores = self.network.scores(self.network.features(mixed, track=False))
        return scores, paste(labels, pasted), paste(weights, pasted)

    def generator_losses(self, adapted: tuple[Tensor, Tensor, Tensor]) -> Mapping[str, Tensor]:
        """Cross-entropy of mixed images against the teacher's labels, weighted, a mean over all pixels."""
        scores, labels, weights = adapted
        losses = F.cross_entropy(upsample(scores, labels.shape[-2:]).float(), labels, reduction="none")
        return {"consistency": (weights * losses).mean()}

    def metrics(self, adapted: tuple[Tensor, Tensor, Tensor]) -> Mapping[str, Tensor]:
        """The share of pixels that the teacher is sure of."""
        return {"trusted": adapted[2].mean()}

    def after_step(self) -> None:
        """Move the teacher's weights towards the student's, and take over its running statistics."""
        decay = min(1 - 1 / (self.iteration + 2), self.config.teacher_decay)
        with torch.no_grad():
            for mine, theirs in zip(self.teacher.parameters(), self.network.parameters(), strict=True):
                mine.lerp_(theirs.detach(), 1 - decay)
            for mine, theirs in zip(self.teacher.buffers(), self.network.buffers(), strict=True):
                mine.copy_(theirs)


def trust(sure: Tensor, confidence: float) -> Tensor:
    """Weights (N, H, W): for all pixels of an image, the share of them whose confidence is above a threshold."""
    return (sure > confidence).float().mean((1, 2), keepdim=True).expand_as(sure)


def class_masks(labels: Tensor, seed: int, iteration: int) -> Tensor:
    """Pixels (N, H, W) of half of the classes, rounded up, that each image has; drawn by seed, iteration and place."""
    draws = stream(seed, "classmix", iteration)
    masks = []
    for image in labels:
        present: Sequence[int] = image.unique().tolist()
        chosen = draws.permutation(len(present))[: (len(present) + 1) // 2].tolist()
        masks.append(torch.isin(image, torch.tensor([present[place] for place in chosen], device=labels.device)))
    return torch.stack(masks)


def paste(values: Tensor, mask: Tensor) -> Tensor:
    """Values of each image where its mask is set, elsewhere those of the image before it (of the first: the last)."""
    return torch.where(mask, values, values.roll(1, 0))
