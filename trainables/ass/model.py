"""Section 3 put together: G, CH and the adaptors, their outputs for a batch, and the losses of Eqs 9 and 10."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from trainables.ass.adaptation import adaptation
from trainables.ass.adaptor import SOURCE, TARGET
from trainables.ass.batches import Batch
from trainables.ass.config import AssConfig
from trainables.ass.evaluation import predicted_classes
from trainables.ass.networks.build import build_network
from trainables.ass.outputs import Images, Outputs
from trainables.ass.segmentation import segmentation_loss


class Forwarded(NamedTuple):
    """The networks' outputs for a batch, which all losses use; None for what is not trained on."""

    source: Outputs[Images] | None
    labeled: Outputs[Images] | None
    adapted: Mapping[str, Any]
    """What the losses of each adaptor use, by its name."""


class Model(nn.Module):
    """G with CH, and the networks of the adaptors."""

    def __init__(self, config: AssConfig, classes: int) -> None:
        super().__init__()
        used = adaptation(config.adaptor)
        self.network = build_network(config, classes)
        self.adaptors = {name: adaptor(config, self.network, classes) for name, adaptor in used.adaptors.items()}
        made = [network for adaptor in self.adaptors.values() for network in adaptor.networks().items()]
        self.networks = nn.ModuleDict(dict(made))
        self._rates = {name: rate for adaptor in self.adaptors.values() for name, rate in adaptor.rates(config).items()}
        # Unlabeled images fill the target's running statistics only where no labeled ones do, so that ga and joint
        # differ by the losses alone.
        self.track_unlabeled = config.adaptsegnet_compat or (
            config.normalisation == "domain" and config.labeled_images == 0
        )
        self.one_pass = not config.adaptsegnet_compat
        self.unlabeled_with_gradient = used.with_gradient
        self.sees_target = used.unlabeled or config.labeled_images > 0

    def discriminators(self) -> dict[str, nn.Module]:
        """The networks that the adaptors train, such as `gd` and `sd`."""
        return {name: self.networks[name] for name in self._rates}

    def rates(self) -> Mapping[str, float]:
        """Their initial learning rates."""
        return self._rates

    def forward(self, batch: Batch) -> Forwarded:
        """G and CH twice with gradient, source and labeled target, and once more for unlabeled target images."""
        unlabeled = self._forward_unlabeled(batch)
        source, labeled = self._forward_labeled(batch)
        adapted = {name: adaptor.adapt(source, labeled, unlabeled.get(name)) for name, adaptor in self.adaptors.items()}
        return Forwarded(source, labeled, adapted)

    def _forward_unlabeled(self, batch: Batch) -> dict[str, Any]:
        """What each adaptor needs of unlabeled target images, without gradient unless one needs that."""
        users = {name: one for name, one in self.adaptors.items() if one.UNLABELED}
        if batch.unlabeled is None:
            return {}
        if not self.track_unlabeled and all(one.UNLABELED == "images" for one in users.values()):
            return dict.fromkeys(users, batch.unlabeled)
        with torch.set_grad_enabled(self.unlabeled_with_gradient):
            features = self.network.features(batch.unlabeled.pixels, track=self.track_unlabeled)
            outputs = Outputs(features, self.network.scores(features), batch.unlabeled)
            return {
                name: batch.unlabeled if one.UNLABELED == "images" else one.on_unlabeled(outputs)
                for name, one in users.items()
            }

    def _forward_labeled(self, batch: Batch) -> tuple[Outputs[Images] | None, Outputs[Images] | None]:
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

    def _outputs(self, images: Images | None, domain: int) -> Outputs[Images] | None:
        if images is None:
            return None
        features = self.network.features(images.pixels, source=len(images.pixels) if domain == SOURCE else 0)
        return Outputs(features, self.network.scores(features), images)

    def generator_losses(self, forwarded: Forwarded) -> dict[str, Tensor]:
        """The terms of Eq 9 that there are; their gradients reach G and CH only."""
        source, labeled, adapted = forwarded
        losses: dict[str, Tensor] = {}
        if source:
            losses["seg_source"] = segmentation_loss(source.scores, source.images.labels)
        if labeled:
            losses["seg_labeled"] = segmentation_loss(labeled.scores, labeled.images.labels)
        for name, adaptor in self.adaptors.items():
            losses |= adaptor.generator_losses(adapted[name])
        return losses

    def discriminator_losses(self, forwarded: Forwarded) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The sums of Eq 10 that there are, and accuracies; gradients reach the discriminators only."""
        losses: dict[str, Tensor] = {}
        accuracies: dict[str, Tensor] = {}
        for name, adaptor in self.adaptors.items():
            own, right = adaptor.discriminator_losses(forwarded.adapted[name])
            losses |= own
            accuracies |= right
        return losses, accuracies

    def metrics(self, forwarded: Forwarded) -> dict[str, Tensor]:
        """What else the adaptors record."""
        found: dict[str, Tensor] = {}
        for name, adaptor in self.adaptors.items():
            found |= adaptor.metrics(forwarded.adapted[name])
        return found

    def before_step(self, iteration: int) -> None:
        """Tell the adaptors which step is made now."""
        for adaptor in self.adaptors.values():
            adaptor.iteration = iteration

    def after_step(self) -> None:
        """Let the adaptors follow a step of G."""
        for adaptor in self.adaptors.values():
            adaptor.after_step()

    def predict(self, pixels: Tensor, size: tuple[int, ...]) -> Tensor:
        """Classes (N, *size) uint8 of target images (N, 3, H, W) uint8.

        A model that never saw the target has no statistics of its own for it, and uses the source's.
        """
        features = self.network.features(pixels, source=0 if self.sees_target else len(pixels))
        return predicted_classes(self.network.scores(features), size)
