"""Section 3 put together: G, CH, GA and SA, their outputs for a batch, and the losses of Eqs 9 and 10."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from trainables.ass.adaptors import ADAPTORS, SOURCE, TARGET
from trainables.ass.batches import Batch, Images
from trainables.ass.config import AssConfig
from trainables.ass.csa import CSA
from trainables.ass.evaluation import predicted_classes
from trainables.ass.fcsa import FCSA
from trainables.ass.global_adaptation import GlobalAdaptation
from trainables.ass.judged import Judged, judge
from trainables.ass.networks.build import build_network
from trainables.ass.networks.weights import drawn_weights
from trainables.ass.segmentation import downsample_labels, segmentation_loss
from trainables.ass.semantic import SemanticAdaptation

SEMANTIC_ADAPTATIONS: dict[str, type[FCSA] | type[CSA]] = {"fcsa": FCSA, "csa": CSA}


@dataclass(frozen=True)
class Outputs:
    """Features F and scores of labeled images, before upsampling and softmax."""

    features: Tensor
    scores: Tensor
    images: Images

    @property
    def labels(self) -> Tensor:
        """Labels y (N, h, w) of F's size."""
        return downsample_labels(self.images.labels, self.features.shape[-2:])


class Forwarded(NamedTuple):
    """The networks' outputs for a batch, which all losses use; None for what the adaptor does not need."""

    source: Outputs | None
    labeled: Outputs | None
    unlabeled_maps: Tensor | None
    """P of the unlabeled target images, without a graph."""
    source_maps: Judged | None
    """P_s, judged by D_g."""
    source_examples: Judged | None
    """F_s or its class averages, judged by D_s."""
    source_classes: Tensor | None
    """Their classes."""


class Model(nn.Module):
    """G with CH, and the discriminators D_g and D_s of the adaptor."""

    gd: GlobalAdaptation | None
    sd: SemanticAdaptation | None

    def __init__(self, config: AssConfig, classes: int) -> None:
        super().__init__()
        adaptor = ADAPTORS[config.adaptor]
        self.network = build_network(config, classes)
        self.gd = self.sd = None
        if adaptor.global_:
            with drawn_weights(config.seed, "gd"):
                self.gd = GlobalAdaptation(classes, config.gd_channels, config.gd_map_scale)
        if adaptor.semantic:
            with drawn_weights(config.seed, "sd"):
                self.sd = SEMANTIC_ADAPTATIONS[adaptor.semantic](self.network.channels, config.sd_hidden, classes)
        # Unlabeled images fill the target's running statistics only where no labeled ones do, so that ga and joint
        # differ by the losses alone.
        self.track_unlabeled = config.adaptsegnet_compat or (
            config.normalisation == "domain" and config.labeled_images == 0
        )
        self.one_pass = not config.adaptsegnet_compat
        self.sees_target = adaptor.global_ or config.labeled_images > 0

    def discriminators(self) -> dict[str, nn.Module]:
        """Those that the adaptor has, as `gd` and `sd`."""
        return {name: module for name, module in (("gd", self.gd), ("sd", self.sd)) if module is not None}

    def forward(self, batch: Batch) -> Forwarded:
        """G and CH twice with gradient, source and labeled target, and once without, unlabeled target, for D_g."""
        unlabeled_maps = None
        if self.gd and batch.unlabeled:
            with torch.no_grad():
                features = self.network.features(batch.unlabeled.pixels, track=self.track_unlabeled)
                unlabeled_maps = self.gd.maps(self.network.scores(features), batch.unlabeled.pixels.shape[-2:])
        source, labeled = self._forward_labeled(batch)
        source_maps = source_examples = source_classes = None
        if self.gd and source:
            source_maps = judge(self.gd, self.gd.maps(source.scores, source.images.pixels.shape[-2:]))
        if self.sd and source:
            examples, source_classes = self.sd.examples(source.features, source.labels)
            source_examples = judge(self.sd, examples)
        return Forwarded(source, labeled, unlabeled_maps, source_maps, source_examples, source_classes)

    def _forward_labeled(self, batch: Batch) -> tuple[Outputs | None, Outputs | None]:
        """Source and labeled target, in one pass where their sizes agree (then `batch` statistics are of both)."""
        source, labeled = batch.source, batch.labeled
        if not self.one_pass or not source or not labeled or source.pixels.shape[1:] != labeled.pixels.shape[1:]:
            return self._outputs(source, SOURCE), self._outputs(labeled, TARGET)
        sizes = [len(source.pixels), len(labeled.pixels)]
        features = self.network.features(torch.cat([source.pixels, labeled.pixels]), source=sizes[0])
        scores = self.network.scores(features)
        parts = zip(torch.split(features, sizes), torch.split(scores, sizes), (source, labeled), strict=True)
        of_source, of_labeled = (Outputs(*part) for part in parts)
        return of_source, of_labeled

    def _outputs(self, images: Images | None, domain: int) -> Outputs | None:
        if images is None:
            return None
        features = self.network.features(images.pixels, source=len(images.pixels) if domain == SOURCE else 0)
        return Outputs(features, self.network.scores(features), images)

    def generator_losses(self, forwarded: Forwarded) -> dict[str, Tensor]:
        """The terms of Eq 9 that the adaptor has; their gradients reach G and CH only."""
        source, labeled, _, maps, examples, classes = forwarded
        losses: dict[str, Tensor] = {}
        if source:
            losses["seg_source"] = segmentation_loss(source.scores, source.images.labels)
        if labeled:
            losses["seg_labeled"] = segmentation_loss(labeled.scores, labeled.images.labels)
        if self.gd and maps:
            losses["gadv"] = maps.for_generator(self.gd.adversarial_loss(maps.logits))
        if self.sd and examples and classes is not None:
            losses["sadv"] = examples.for_generator(self.sd.adversarial_loss(examples.logits, classes))
        return losses

    def discriminator_losses(self, forwarded: Forwarded) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The sums of Eq 10 that the adaptor has, and accuracies; gradients reach the discriminators only."""
        _, labeled, unlabeled_maps, maps, examples, classes = forwarded
        losses: dict[str, Tensor] = {}
        accuracies: dict[str, Tensor] = {}
        if self.gd and maps and unlabeled_maps is not None:
            on_source = self.gd.discriminator_loss(maps.logits, SOURCE)
            on_target = self.gd.discriminator_loss(self.gd(unlabeled_maps), TARGET)
            losses["gd"], accuracies["gd_accuracy"] = _sum_and_mean(on_source, on_target)
        if self.sd and examples and classes is not None and labeled:
            on_source = self.sd.discriminator_loss(examples.logits, classes, SOURCE)
            target_examples, target_classes = self.sd.examples(labeled.features.detach(), labeled.labels)
            on_target = self.sd.discriminator_loss(self.sd(target_examples), target_classes, TARGET)
            losses["sd"], accuracies["sd_accuracy"] = _sum_and_mean(on_source, on_target)
        return losses, accuracies

    def predict(self, pixels: Tensor, size: tuple[int, ...]) -> Tensor:
        """Classes (N, *size) uint8 of target images (N, 3, H, W) uint8.

        A model that never saw the target has no statistics of its own for it, and uses the source's.
        """
        features = self.network.features(pixels, source=0 if self.sees_target else len(pixels))
        return predicted_classes(self.network.scores(features), size)


def _sum_and_mean(source: tuple[Tensor, Tensor], target: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """The sum of two losses and the mean of two accuracies."""
    return source[0] + target[0], (source[1] + target[1]) / 2
