"""The ASS step written the way AdaptSegNet's training loop is: the peer that our step is measured against.

One pass for each image domain with one backward each, float32, contiguous; score maps are upsampled once and used by
the loss and by D_g; the unlabeled pass keeps its graph; each discriminator sees the source maps twice, once for G with
its weights held and once detached for itself; normalisation is layers, the classifier a sum of four convolutions.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import SGD, Adam, Optimizer

from trainables.ass.adaptor import SOURCE, TARGET
from trainables.ass.batches import Batch
from trainables.ass.config import AssConfig
from trainables.ass.csa import CSA
from trainables.ass.global_adaptation import GlobalAdaptation
from trainables.ass.networks.atrous_classifier import AtrousClassifier
from trainables.ass.networks.build import BACKBONES
from trainables.ass.networks.weights import drawn_weights
from trainables.ass.optimization import DISCRIMINATOR_BETAS, schedule
from trainables.ass.outputs import Images, Unlabeled
from trainables.ass.segmentation import downsample_labels, mean_cross_entropy, upsample
from trainables.ass.trainer import choose_device


class _Forwarded(NamedTuple):
    """Features (N, n, h, w), scores (N, c, h, w), and the scores at the image's size (N, c, H, W)."""

    features: Tensor
    scores: Tensor
    upsampled: Tensor


class AdaptSegNetStep:
    """ga+csa by its configuration, with the initial weights of our trainer; one domain after the other."""

    def __init__(self, config: AssConfig, classes: int) -> None:
        self.config = config
        device = choose_device(config.device)
        with drawn_weights(config.seed, "segmentation"):
            backbone = BACKBONES[config.network](config.backbone_weights)
            classifier = AtrousClassifier(backbone.channels, classes, config.aspp_rates)
        self.body, self.branches = backbone.body.to(device), classifier.branches.to(device)
        statistics = (backbone.pixel_mean, backbone.pixel_std)
        self.mean, self.std = (torch.tensor(x, device=device).view(1, 3, 1, 1) for x in statistics)
        if config.normalisation == "frozen":
            _freeze(self.body)
        with drawn_weights(config.seed, "gd"):
            self.gd = GlobalAdaptation(classes, config.gd_channels, config.gd_map_scale).to(device)
        with drawn_weights(config.seed, "sd"):
            self.sd = CSA(backbone.channels, config.sd_hidden, classes).to(device)
        self.optimizers = self._optimizers()

    def step(self, batch: Batch, iteration: int) -> dict[str, Tensor]:
        """One iteration; returns its losses."""
        assert batch.source and batch.labeled and batch.unlabeled
        config, losses = self.config, {}
        self._start(iteration)

        with _held(self.gd, self.sd):
            source = self._forward(batch.source)
            losses["seg_source"] = mean_cross_entropy(source.upsampled, batch.source.labels)
            losses["gadv"] = _domain_loss(self.gd(self._maps(source)), TARGET)
            losses["sadv"] = self._class_loss(source.features, batch.source, TARGET)
            objective = config.lambda_seg * losses["seg_source"]
            (objective + config.lambda_gadv * losses["gadv"] + config.lambda_sadv * losses["sadv"]).backward()

            labeled = self._forward(batch.labeled)
            losses["seg_labeled"] = mean_cross_entropy(labeled.upsampled, batch.labeled.labels)
            (config.lambda_seg * losses["seg_labeled"]).backward()

            unlabeled = self._forward(batch.unlabeled)

        on_source = _domain_loss(self.gd(self._maps(source).detach()), SOURCE)
        (config.lambda_gd * on_source).backward()
        on_target = _domain_loss(self.gd(self._maps(unlabeled).detach()), TARGET)
        (config.lambda_gd * on_target).backward()
        losses["gd"] = on_source + on_target

        on_source = self._class_loss(source.features.detach(), batch.source, SOURCE)
        (config.lambda_sd * on_source).backward()
        on_target = self._class_loss(labeled.features.detach(), batch.labeled, TARGET)
        (config.lambda_sd * on_target).backward()
        losses["sd"] = on_source + on_target

        for optimizer, _ in self.optimizers:
            optimizer.step()
        return {name: loss.detach() for name, loss in losses.items()}

    def _optimizers(self) -> list[tuple[Optimizer, float]]:
        """The optimizers, each with its initial learning rate."""
        config = self.config
        sgd = {"momentum": config.momentum, "weight_decay": config.weight_decay, "nesterov": True}
        trained = [weight for weight in self.body.parameters() if weight.requires_grad]
        head_rate = config.lr * config.classifier_lr_factor
        made: list[tuple[Optimizer, float]] = [
            (SGD(trained, config.lr, **sgd), config.lr),
            (SGD(self.branches.parameters(), head_rate, **sgd), head_rate),
        ]
        for discriminator, rate in ((self.gd, config.lr_gd), (self.sd, config.lr_sd)):
            made.append((Adam(discriminator.parameters(), rate, betas=DISCRIMINATOR_BETAS), rate))
        return made

    def _start(self, iteration: int) -> None:
        for optimizer, rate in self.optimizers:
            optimizer.zero_grad()
            for group in optimizer.param_groups:
                group["lr"] = rate * schedule(iteration, self.config)

    def _forward(self, images: Unlabeled) -> _Forwarded:
        features = self.body((images.pixels.float() - self.mean) / self.std)
        scores = torch.stack([branch(features) for branch in self.branches]).sum(0)
        return _Forwarded(features, scores, upsample(scores, images.pixels.shape[-2:]))

    def _maps(self, forwarded: _Forwarded) -> Tensor:
        """The softmax map P, at the size that D_g takes."""
        scale = self.config.gd_map_scale
        if scale == 1:
            return forwarded.upsampled.softmax(1)
        size = tuple(round(length * scale) for length in forwarded.upsampled.shape[-2:])
        return upsample(forwarded.scores, size).softmax(1)

    def _class_loss(self, features: Tensor, images: Images, domain: int) -> Tensor:
        logits = self.sd(features)
        classes = downsample_labels(images.labels, features.shape[-2:])
        return self.sd.discriminator_loss(logits, classes, domain)[0]


class _StillBatchNorm(nn.BatchNorm2d):
    """Batch normalisation that always uses its pre-training statistics."""

    def train(self, mode: bool = True) -> _StillBatchNorm:
        super().train(False)
        return self


def _freeze(module: nn.Module) -> None:
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.__class__ = _StillBatchNorm
            layer.eval().requires_grad_(False)


@contextmanager
def _held(*modules: nn.Module) -> Iterator[None]:
    for module in modules:
        module.requires_grad_(False)
    yield
    for module in modules:
        module.requires_grad_(True)


def _domain_loss(logits: Tensor, domain: int) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, domain))
