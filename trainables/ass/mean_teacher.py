"""Mean teacher with class mixing: the rival from semi-supervised segmentation, which needs no discriminator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from trainables.ass.adaptor import Adaptor

if TYPE_CHECKING:
    from torch import Tensor, nn

    from trainables.ass.config import AssConfig
    from trainables.ass.networks.segmentation_network import SegmentationNetwork
    from trainables.ass.outputs import Unlabeled


class Mixed(NamedTuple):
    """G's scores (N, c, h, w) of mixed images, the labels (N, H, W) that they should get, and weights (N, H, W)."""

    scores: Tensor
    labels: Tensor
    weights: Tensor


class MeanTeacher(Adaptor):
    """A teacher labels unlabeled target images, and G learns its labels of mixed ones.

    The teacher is the moving average of G and CH (Tarvainen and Valpola, NeurIPS 2017, Eq 2). Images and labels are
    mixed by ClassMix (Olsson et al., WACV 2021), and weighted by the teacher's confidence as there and in DACS
    (Tranheden et al., WACV 2021), which pastes source images into target ones instead. Colours are not augmented.
    """

    FIELDS = frozenset({"lambda_consistency", "teacher_decay", "teacher_confidence"})
    UNLABELED = "images"
    teacher: SegmentationNetwork

    @classmethod
    def undefined(cls, values: Mapping[str, Any]) -> str | None:
        """Two images are mixed."""
        if values.get("unlabeled_batch") == 1:
            return f"{values.get('adaptor')} mixes unlabeled images, and unlabeled_batch is 1"
        return None

    @classmethod
    def inert(cls, values: Mapping[str, Any]) -> frozenset[str]:
        """Where nothing is learnt from mixed images, what they are labeled by."""
        return cls.FIELDS - {"lambda_consistency"} if values.get("lambda_consistency") == 0 else frozenset()

    @classmethod
    def lambdas(cls, config: AssConfig) -> Mapping[str, float]:
        """Of the loss of mixed images."""
        return {"consistency": config.lambda_consistency}

    def networks(self) -> Mapping[str, nn.Module]:
        """The teacher, which begins as the student."""
        from trainables.ass.moving_average import teacher_of

        self.teacher = teacher_of(self.network)
        return {"teacher": self.teacher}

    def adapt(self, source: Any, labeled: Any, unlabeled: Unlabeled) -> Mixed:
        """Let the teacher label the images, mix both, and let G see the mixed images."""
        import torch

        from trainables.ass.class_mixing import class_masks, paste, trust
        from trainables.ass.segmentation import upsample

        pixels = unlabeled.pixels
        with torch.no_grad():
            scores = self.teacher.scores(self.teacher.features(pixels, track=False))
            sure, labels = upsample(scores, pixels.shape[-2:]).softmax(1).max(1)
            weights = trust(sure, self.config.teacher_confidence)
            pasted = class_masks(labels, self.classes, self.config.seed, self.iteration)
            mixed = paste(pixels, pasted.unsqueeze(1))
        scores = self.network.scores(self.network.features(mixed, track=False))
        return Mixed(scores, paste(labels, pasted), paste(weights, pasted))

    def generator_losses(self, adapted: Mixed) -> Mapping[str, Tensor]:
        """The weighted cross-entropy of mixed images against the teacher's labels, a mean over pixels (DACS, Eq 1)."""
        from torch.nn.functional import cross_entropy

        from trainables.ass.segmentation import upsample

        scores = upsample(adapted.scores, adapted.labels.shape[-2:])
        losses = cross_entropy(scores, adapted.labels, reduction="none")
        return {"consistency": (adapted.weights * losses).mean()}

    def metrics(self, adapted: Mixed) -> Mapping[str, Tensor]:
        """The share of pixels that the teacher is sure of."""
        return {"trusted": adapted.weights.mean()}

    def after_step(self) -> None:
        """Let the teacher follow the student."""
        from trainables.ass.moving_average import follow

        follow(self.teacher, self.network, self.iteration, self.config.teacher_decay)
