"""Section 4.2: optimizers, one for each part of the model, and the schedule of their learning rates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import SGD, Adam, AdamW, Optimizer

from trainables.ass.config import AssConfig
from trainables.ass.networks.segmentation_network import SegmentationNetwork

DISCRIMINATOR_BETAS = (0.9, 0.99)


def schedule(iteration: int, config: AssConfig) -> float:
    """Factor on every learning rate: linear warm-up times polynomial decay, 0 from the schedule's end on."""
    warmup = min(1.0, (iteration + 1) / config.warmup) if config.warmup else 1.0
    length = config.schedule_iterations or config.iterations
    return warmup * max(0.0, 1 - iteration / length) ** config.power


class Optimizers:
    """The optimizers of `backbone`, `classifier` and of the discriminators there are, such as `gd` and `sd`.

    Args:
        config: of the trial.
        network: G and CH.
        discriminators: what the adaptors train, by name.
        rates: initial learning rate of each of these.
    """

    def __init__(
        self,
        config: AssConfig,
        network: SegmentationNetwork,
        discriminators: Mapping[str, nn.Module],
        rates: Mapping[str, float],
    ) -> None:
        self.config = config
        self.network = network
        self.initial_rates = {
            "backbone": config.lr,
            "classifier": config.lr * config.classifier_lr_factor,
            **rates,
        }
        self.optimizers: dict[str, Optimizer] = {
            "backbone": segmentation_optimizer(network.backbone, config),
            "classifier": segmentation_optimizer(network.classifier, config),
        }
        self._discriminators = tuple(discriminators)
        for name, discriminator in discriminators.items():
            self.optimizers[name] = Adam(discriminator.parameters(), betas=DISCRIMINATOR_BETAS, fused=True)

    def set_rates(self, iteration: int) -> None:
        """Set the learning rates of an iteration."""
        factor = schedule(iteration, self.config)
        for name, optimizer in self.optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = self.initial_rates[name] * factor

    def current_rates(self) -> dict[str, float]:
        """Learning rates now in use, by part."""
        return {name: optimizer.param_groups[0]["lr"] for name, optimizer in self.optimizers.items()}

    def step_generator(self, objective: Tensor) -> None:
        """One step of G and CH down Eq 9."""
        self.network.zero_grad()
        torch.autograd.backward(objective)
        if self.config.clip_norm is not None:
            clip_grad_norm_(self.network.parameters(), self.config.clip_norm)
        self.optimizers["classifier"].step()
        for _ in range(self.config.backbone_steps):
            self.optimizers["backbone"].step()

    def step_discriminators(self, objective: Tensor) -> None:
        """One step of each discriminator down Eq 10."""
        discriminators = [self.optimizers[name] for name in self._discriminators]
        for optimizer in discriminators:
            optimizer.zero_grad()
        # named, so that no gradient is computed with respect to what the discriminators judge
        groups = [group for optimizer in discriminators for group in optimizer.param_groups]
        torch.autograd.backward(objective, inputs=[weight for group in groups for weight in group["params"]])
        for optimizer in discriminators:
            optimizer.step()

    def state_dict(self) -> dict[str, Any]:
        """State of each optimizer by name."""
        return {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from `state_dict()`; raises KeyError where it is of another adaptor."""
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(state[name])


def segmentation_optimizer(module: nn.Module, config: AssConfig) -> Optimizer:
    """Nesterov's SGD (section 4.2) or AdamW, over those weights of `module` that are trained."""
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    groups = parameter_groups(trained, config)
    if config.optimizer == "adamw":
        return AdamW(groups, lr=config.lr, weight_decay=config.weight_decay, fused=True)
    nesterov = config.momentum > 0
    return SGD(groups, config.lr, config.momentum, weight_decay=config.weight_decay, nesterov=nesterov, fused=True)


def parameter_groups(parameters: Iterable[Tensor], config: AssConfig) -> list[dict[str, Any]]:
    """Weights, and the vectors (biases, scales and shifts of normalisation), which may go without weight decay."""
    parameters = list(parameters)
    if config.decay_norms_and_biases:
        return [{"params": parameters}]
    vectors = [parameter for parameter in parameters if parameter.ndim < 2]
    weights = [parameter for parameter in parameters if parameter.ndim >= 2]
    return [{"params": weights}, {"params": vectors, "weight_decay": 0.0}]
