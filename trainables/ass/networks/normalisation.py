"""How the layers of a backbone normalise: statistics of pre-training, batch, domain, or channel groups."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

CHANNELS_PER_GROUP = 8


@dataclass
class Pass:
    """What the batch now in the network holds; one object shared by all its normalisation layers."""

    source: int = 0
    """The first so many images are from the source domain, the rest from the target domain."""
    track: bool = True
    """In training, running statistics follow this batch."""


class Normalisation(nn.Module):
    """Scale and shift of one layer, (channels,) each, taken over from a BatchNorm2d with its statistics."""

    def __init__(self, layer: nn.BatchNorm2d, now: Pass, train_affine: bool) -> None:
        super().__init__()
        self.now = now
        self.eps = layer.eps
        self.momentum = 0.1 if layer.momentum is None else layer.momentum
        self.weight = nn.Parameter(layer.weight.detach().clone(), requires_grad=train_affine)
        self.bias = nn.Parameter(layer.bias.detach().clone(), requires_grad=train_affine)
        self._take_statistics(layer)

    def _take_statistics(self, layer: nn.BatchNorm2d) -> None:
        assert layer.running_mean is not None and layer.running_var is not None
        self.register_buffer("mean", layer.running_mean.clone())
        self.register_buffer("var", layer.running_var.clone())

    def _by_batch(self, x: Tensor, mean: Tensor, var: Tensor) -> Tensor:
        """Statistics of the batch in training, which the running ones follow; the running ones in evaluation."""
        if self.training and not self.now.track:
            return F.batch_norm(x, None, None, self.weight, self.bias, training=True, eps=self.eps)
        return F.batch_norm(x, mean, var, self.weight, self.bias, self.training, self.momentum, self.eps)


class FrozenNorm(Normalisation):
    """Statistics of pre-training, always."""

    mean: Tensor
    var: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, h, w) to the same."""
        return F.batch_norm(x, self.mean, self.var, self.weight, self.bias, training=False, eps=self.eps)


class BatchNorm(Normalisation):
    """Statistics of the whole batch, whatever its domains."""

    mean: Tensor
    var: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, h, w) to the same."""
        return self._by_batch(x, self.mean, self.var)


class DomainNorm(Normalisation):
    """Statistics of each domain's images in the batch; scale and shift are shared (Chang et al., 2019, share none)."""

    mean: Tensor
    var: Tensor

    def _take_statistics(self, layer: nn.BatchNorm2d) -> None:
        assert layer.running_mean is not None and layer.running_var is not None
        self.register_buffer("mean", layer.running_mean.repeat(2, 1))
        self.register_buffer("var", layer.running_var.repeat(2, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, h, w) to the same."""
        parts = torch.split(x, [self.now.source, len(x) - self.now.source])
        used = [self._by_batch(part, self.mean[z], self.var[z]) for z, part in enumerate(parts) if len(part)]
        return used[0] if len(used) == 1 else torch.cat(used)


class GroupNorm(Normalisation):
    """Statistics of each image's groups of channels (Wu and He, 2018): no running statistics."""

    def _take_statistics(self, layer: nn.BatchNorm2d) -> None:
        self.groups = layer.num_features // math.gcd(layer.num_features, CHANNELS_PER_GROUP)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, h, w) to the same."""
        return F.group_norm(x, self.groups, self.weight, self.bias, self.eps)


NORMALISATIONS: dict[str, type[Normalisation]] = {
    "frozen": FrozenNorm,
    "batch": BatchNorm,
    "domain": DomainNorm,
    "group": GroupNorm,
}


def replace_normalisation(module: nn.Module, name: str, now: Pass, train_affine: bool) -> None:
    """Replace every BatchNorm2d inside `module` by the layer that `name` stands for."""
    for key, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            layer = NORMALISATIONS[name](child, now, train_affine)
            if not child.weight.requires_grad:
                layer.requires_grad_(False)
            setattr(module, key, layer)
        else:
            replace_normalisation(child, name, now, train_affine)
