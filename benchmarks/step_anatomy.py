"""Where the time and the memory of a training step go, part by part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.command_line import Timing, alternately
from trainables.ass.adaptor import SOURCE, TARGET
from trainables.ass.adaptors import GlobalAdaptor, SemanticAdaptor
from trainables.ass.evaluation import confusion
from trainables.ass.segmentation import segmentation_loss
from trainables.ass.trainer import Trainer
from trainables.ass_memory import LiveBytes


@dataclass(frozen=True)
class Part:
    """A part of a step: its seconds, and its peak of tensor bytes beyond what was there before."""

    name: str
    timing: Timing
    peak: int


def anatomy(trainer: Trainer, rounds: int) -> list[Part]:
    """The parts of one step of ga+csa, each measured alone, and the evaluation of one image."""
    parts = _parts(trainer)
    timings = alternately(parts, rounds)
    return [Part(name, timings[name], _peak(function)) for name, function in parts.items()]


def _parts(trainer: Trainer) -> dict[str, Callable[[], object]]:
    model, batch = trainer.model, trainer.batches.load(0)
    assert batch.source and batch.labeled and batch.unlabeled
    of_maps, of_features = model.adaptors["ga"], model.adaptors["csa"]
    assert isinstance(of_maps, GlobalAdaptor) and isinstance(of_features, SemanticAdaptor)
    gd, sd, network = of_maps.gd, of_features.sd, model.network
    source, labeled, unlabeled = batch.source, batch.labeled, batch.unlabeled
    forwarded = model(batch)
    assert forwarded.source and forwarded.labeled
    maps, unlabeled_maps = forwarded.adapted["ga"].source.inputs.detach(), forwarded.adapted["ga"].unlabeled
    both = (forwarded.source, forwarded.labeled)
    of_source, of_target = (sd.examples(out.features.detach(), out.labels) for out in both)

    def segmentation(pixels: Tensor, labels: Tensor) -> None:
        network.zero_grad()
        with trainer.autocast():
            loss = segmentation_loss(network.scores(network.features(pixels)), labels)
        loss.backward()

    @torch.no_grad()
    def maps_alone() -> None:
        with trainer.autocast():
            gd.maps(network.scores(network.features(unlabeled.pixels)), unlabeled.pixels.shape[-2:])

    def global_discriminator() -> None:
        with trainer.autocast():
            judged = maps.clone().requires_grad_()
            logits = gd(judged)
            torch.autograd.grad(gd.adversarial_loss(logits), judged, retain_graph=True)
            loss = gd.discriminator_loss(logits, SOURCE)[0] + gd.discriminator_loss(gd(unlabeled_maps), TARGET)[0]
        loss.backward(inputs=list(gd.parameters()))

    def semantic_discriminator() -> None:
        with trainer.autocast():
            judged = of_source[0].clone().requires_grad_()
            logits = sd(judged)
            torch.autograd.grad(sd.adversarial_loss(logits, of_source[1]), judged, retain_graph=True)
            loss = sd.discriminator_loss(logits, of_source[1], SOURCE)[0]
            loss = loss + sd.discriminator_loss(sd(of_target[0]), of_target[1], TARGET)[0]
        loss.backward(inputs=list(sd.parameters()))

    def optimizers() -> None:
        for optimizer in trainer.optimizers.optimizers.values():
            optimizer.step()

    def evaluation() -> None:
        report = trainer.batches.pair.target_report
        predicted = torch.from_numpy(trainer.predict(report.images[:1], report.labels.shape[1:]))
        confusion(torch.from_numpy(report.labels[:1].copy()), predicted, trainer.classes)

    return {
        "data": lambda: trainer.batches.load(0),
        "source: forward and backward": lambda: segmentation(source.pixels, source.labels),
        "labeled: forward and backward": lambda: segmentation(labeled.pixels, labeled.labels),
        "unlabeled: forward": maps_alone,
        "D_g: both sides": global_discriminator,
        "D_s: both sides": semantic_discriminator,
        "optimizers": optimizers,
        "evaluation of an image": evaluation,
    }


def _peak(function: Callable[[], object]) -> int:
    with LiveBytes() as live:
        function()
    return live.peak
