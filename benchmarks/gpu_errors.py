"""How far losses and gradients of a first step are from those in float64 on the CPU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.gpu_scene import FLOAT32, Arithmetic, Scene, arithmetics
from trainables.domains.domain_pair import DomainPair


@dataclass(frozen=True)
class Error:
    """Relative errors of one way to compute a step.

    Attributes:
        loss: the largest of a loss.
        gradients: norm of the difference over the norm, by optimizer.
    """

    name: str
    loss: float
    gradients: Mapping[str, float]


@dataclass(frozen=True)
class _Outcome:
    losses: Mapping[str, Tensor]
    gradients: Mapping[str, Tensor]


def step_errors(scene: Scene, device: str, folder: Path) -> list[Error]:
    """Errors of a step on the CPU in float32, and on the device in each arithmetic that it has."""
    pair = scene.recipe.open(folder)
    exact = _first_step(scene, pair, folder, "cpu", FLOAT32, double=True)
    ways = dict.fromkeys([("cpu", FLOAT32), *((device, arithmetic) for arithmetic in arithmetics(device))])
    return [
        _error(f"{'CPU' if where == 'cpu' else 'GPU'}, {arithmetic.name}", found, exact)
        for where, arithmetic in ways
        if (found := _first_step(scene, pair, folder, where, arithmetic))
    ]


def _first_step(
    scene: Scene, pair: DomainPair, folder: Path, device: str, arithmetic: Arithmetic, double: bool = False
) -> _Outcome:
    config = scene.network.configuration(arithmetic.dtype, folder, device=device)
    trainer = scene.network.trainer(config, pair)
    if double:
        trainer.model.double()
    with arithmetic.used():
        trainer.step()
    gradients = {}
    for name, optimizer in trainer.optimizers.optimizers.items():
        weights = [weight for group in optimizer.param_groups for weight in group["params"]]
        gradients[name] = torch.cat([weight.grad.flatten().cpu().double() for weight in weights])
    measured = trainer.records.newest.items()
    return _Outcome({name: value.cpu().double() for name, value in measured if name.startswith("loss/")}, gradients)


def _error(name: str, found: _Outcome, exact: _Outcome) -> Error:
    losses = [abs(found.losses[loss] / value - 1).item() for loss, value in exact.losses.items()]
    gradients = {
        part: (torch.linalg.vector_norm(found.gradients[part] - value) / torch.linalg.vector_norm(value)).item()
        for part, value in exact.gradients.items()
    }
    return Error(name, max(losses), gradients)
