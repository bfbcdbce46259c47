"""Bringing a batch to the device, ours and as a usual data loader does, and what that adds to a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.command_line import Timing, alternately
from benchmarks.gpu_scene import Arithmetic, Scene
from trainables.ass.batches import Batch, Batches
from trainables.ass.networks.weights import IMAGENET_MEAN, IMAGENET_STD
from trainables.ass.precision import normalised
from trainables.domains.domain_pair import DomainPair

OURS, FLOATS = "ours: bytes, pinned", "float32, normalised on the host"
LOADED, HELD = "with a new batch", "with one that is there"


def ways(scene: Scene, pair: DomainPair, device: str, folder: Path, rounds: int) -> Mapping[str, Timing]:
    """Seconds until the normalised pixels and the labels of a batch are on the device; both read the packed files."""
    config = scene.network.configuration("float32", folder, device=device)
    ours, host = (Batches(config, pair, torch.device(place)) for place in (device, "cpu"))
    there, here = (_Normalised(place) for place in (device, "cpu"))
    numbers = count()

    def pinned_bytes() -> list[Tensor]:
        return [there(pixels) for pixels in _pixels(ours.load(next(numbers)))]

    def floats() -> list[Tensor]:
        batch = host.load(next(numbers))
        return [made.to(device) for made in (*map(here, _pixels(batch)), *_labels(batch))]

    return alternately({OURS: pinned_bytes, FLOATS: floats}, rounds, warmups=2)


def share(
    scene: Scene, pair: DomainPair, arithmetic: Arithmetic, device: str, folder: Path, rounds: int, steps: int
) -> Mapping[str, Timing]:
    """Seconds of a step that loads its batch, and of one whose batch is on the device already."""
    config = scene.network.configuration(arithmetic.dtype, folder, device=device)
    loading, holding = (scene.network.trainer(config, pair) for _ in range(2))
    batch = holding.batches.load(0)
    holding.batches.load = lambda iteration: batch

    def several(step: Callable[[], None]) -> Callable[[], object]:
        return lambda: [step() for _ in range(steps)]

    with arithmetic.used():
        timings = alternately({LOADED: several(loading.step), HELD: several(holding.step)}, rounds, warmups=2)
    return {name: timing.per(steps) for name, timing in timings.items()}


class _Normalised:
    """Pixels as networks expect them, on a device."""

    def __init__(self, device: str) -> None:
        self.mean, self.std = (torch.tensor(x, device=device).view(1, 3, 1, 1) for x in (IMAGENET_MEAN, IMAGENET_STD))

    def __call__(self, pixels: Tensor) -> Tensor:
        return normalised(pixels, self.mean, self.std)


def _pixels(batch: Batch) -> list[Tensor]:
    assert batch.source and batch.labeled and batch.unlabeled
    return [batch.source.pixels, batch.labeled.pixels, batch.unlabeled.pixels]


def _labels(batch: Batch) -> list[Tensor]:
    assert batch.source and batch.labeled
    return [batch.source.labels, batch.labeled.labels]
