"""The networks whose training steps are measured: trainers of ga+csa, peers of them, and what a step computes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from benchmarks.adaptsegnet_step import AdaptSegNetStep
from trainables.ass.config import AssConfig
from trainables.ass.networks.deeplab_v2 import deeplab_v2
from trainables.ass.networks.weights import drawn_weights
from trainables.ass.profiles import PROFILES
from trainables.ass.trainer import Trainer
from trainables.domains.domain_pair import DomainPair


@dataclass(frozen=True)
class Network:
    """A network to train.

    Attributes:
        values: the configuration beyond what all trials of the benchmarks have.
        convolution: channels and dilation of the 3x3 convolution of its last stage, the largest it has.
        classifier_gain: factor of CH's first weights. An untrained CH of ResNet-101 finds all classes alike
            everywhere. Of such maps D_g's gradients are mere rounding, which Adam makes steps of: the peer with one
            thread has a Loss_gadv that differs from the peer's with two by 1e-4 after three steps.
    """

    values: Mapping[str, Any]
    convolution: tuple[int, int]
    classifier_gain: float = 1

    def configuration(self, dtype: str, folder: Path, **changes: Any) -> AssConfig:
        """A trial of ga+csa; bfloat16 as in the profile for fast hardware."""
        values = dict(self.values)
        if values["backbone_weights"] == "imagenet":
            values["backbone_weights"] = str(_resnet_weights(folder))
        if dtype == "bfloat16":
            values |= {"dtype": dtype, "channels_last": True}
        return AssConfig(
            **{"domains": "drawn", "profile": "paper", "seed": 0, "iterations": 150_000, "evaluate_every": 150_000},
            **{"adaptor": "ga+csa", "device": "cpu", **values, **changes},
        )

    def trainer(self, config: AssConfig, pair: DomainPair) -> Trainer:
        """Ours, ready for its first step."""
        trainer = Trainer(config, pair)
        trainer.model.train()
        _scale(trainer.model.network.classifier.branches, self.classifier_gain)
        return trainer

    def peer(self, config: AssConfig, pair: DomainPair) -> AdaptSegNetStep:
        """The loop of AdaptSegNet with the same first weights."""
        peer = AdaptSegNetStep(config, len(pair.classes))
        _scale(peer.branches, self.classifier_gain)
        return peer


NETWORKS = {
    "ResNet-101": Network({**PROFILES["paper"], "labeled_images": 2}, (512, 4), classifier_gain=8),
    # statistics of a batch of both domains, as by default, would be other losses than the peer's
    "laptop network": Network({**PROFILES["laptop"], "labeled_images": 8, "normalisation": "domain"}, (64, 4)),
}


@torch.no_grad()
def _scale(branches: torch.nn.ModuleList, gain: float) -> None:
    for name, parameter in branches.named_parameters():
        if name.endswith("weight"):
            parameter.mul_(gain)


def _resnet_weights(folder: Path) -> Path:
    """Random weights of ResNet-101 instead of ImageNet's; steps cost the same."""
    path = folder / "resnet101.pth"
    if not path.exists():
        with drawn_weights(0, "benchmark"):
            body = deeplab_v2("none").body
        for name, layer in body.named_modules():
            if isinstance(layer, torch.nn.BatchNorm2d) and name.endswith("bn3"):
                torch.nn.init.constant_(layer.weight, 0.1)  # the last of a block, lest features grow with each block
        torch.save(body.state_dict(), path)
    return path


class _Operations(TorchDispatchMode):
    """Counts floating-point operations by torch's formulas; torch's own counter cannot follow `autograd.grad`."""

    total = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        made = function(*args, **(kwargs or {}))
        if formula := flop_registry.get(function.overloadpacket):
            self.total += formula(*args, **(kwargs or {}), out_val=made)
        return made


def operations(trainer: Trainer) -> float:
    """Floating-point operations of a step, which is done for it."""
    with _Operations() as counter:
        trainer.step()
    return counter.total
