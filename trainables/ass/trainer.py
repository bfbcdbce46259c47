"""Training of one model, one iteration at a time: section 3.4 with the optimizers of section 4.2."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Any

import numpy as np
import torch

from trainables.ass.batches import Batches, images_to, to_device
from trainables.ass.clock import StepClock
from trainables.ass.config import AssConfig
from trainables.ass.evaluation import confusion, slices
from trainables.ass.model import Model
from trainables.ass.objectives import discriminator_objective, generator_objective
from trainables.ass.optimization import Optimizers
from trainables.ass.precision import autocast
from trainables.ass.records import Records
from trainables.domains.domain_pair import DomainPair
from trainables.domains.packed import PackedSet
from trainables.preemption import hand_back_if_asked


class Trainer:
    """Trains one configuration on a domain pair. Everything drawn depends on the seed and the iteration only."""

    def __init__(self, config: AssConfig, pair: DomainPair) -> None:
        """Raises ValueError where the configuration means nothing (`AssConfig.undefined`)."""
        if reason := AssConfig.undefined(config.model_dump()):
            raise ValueError(reason)
        self.config = config
        self.classes = len(pair.classes)
        self.device = choose_device(config.device)
        self.model = Model(config, self.classes).to(self.device)
        if config.channels_last:
            self.model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        if config.compile:
            self.model.network.compile_backbone()
        self.optimizers = Optimizers(config, self.model.network, self.model.discriminators(), self.model.rates())
        self.batches = Batches(config, pair, self.device)
        self.records = Records()
        self.clock = StepClock(self.device)
        self.iteration = 0

    def step(self) -> None:
        """One iteration: G and CH descend Eq 9, then the discriminators Eq 10, on the outputs of one forward pass."""
        with self.clock.part("data"):
            batch = self.batches.load(self.iteration)
        self.optimizers.set_rates(self.iteration)
        self.model.before_step(self.iteration)
        with self.clock.part("forward"), self.autocast():
            forwarded = self.model(batch)
            losses = self.model.generator_losses(forwarded)
            objective = generator_objective(losses, self.config)
        with self.clock.part("backward"):
            self.optimizers.step_generator(objective)

        accuracies = {}
        if self.model.discriminators():
            with self.clock.part("discriminators"):
                with self.autocast():
                    discriminator_losses, accuracies = self.model.discriminator_losses(forwarded)
                self.optimizers.step_discriminators(discriminator_objective(discriminator_losses, self.config))
            losses |= discriminator_losses

        with torch.no_grad():
            measured = {f"adaptor/{name}": value for name, value in self.model.metrics(forwarded).items()}
        measured |= {"loss/total": objective} | {f"loss/{name}": loss for name, loss in losses.items()}
        self.records.add(measured | {f"discriminator/{name}": share for name, share in accuracies.items()})
        self.model.after_step()
        self.iteration += 1

    def train_until(self, iteration: int) -> dict[str, float]:
        """Train up to an iteration; returns losses and accuracies averaged since the last call, rates, and speed.

        Raises `Diverged` where a loss was not finite, and `HandedBack` between two iterations; the next call, also in
        another process that has this one's state, then averages over all of them.
        """
        self.model.train()
        started, first = perf_counter(), self.iteration
        while self.iteration < iteration:
            hand_back_if_asked()
            self.step()
        metrics = self.records.average(self.iteration)
        if steps := self.iteration - first:
            images = sum(map(self.batches.images_in, range(first, self.iteration)))
            metrics["speed/images_per_second"] = images / (perf_counter() - started)
            metrics |= {f"speed/{part}_ms": milliseconds for part, milliseconds in self.clock.take(steps).items()}
        return metrics | {f"lr/{name}": rate for name, rate in self.optimizers.current_rates().items()}

    def evaluate(self, packed: PackedSet) -> np.ndarray:
        """Confusion counts (N, c, c) int64 of each image, rows truth, columns prediction, at the size of its labels.

        Raises `HandedBack`.
        """
        counts: list[np.ndarray] = []
        for part in slices(*packed.labels.shape):
            hand_back_if_asked()
            truth = to_device(self.device, packed.labels[part])
            predicted = self._predict(packed.images[part], truth.shape[1:])
            counts.append(confusion(truth, predicted, self.classes).cpu().numpy())
        return np.concatenate(counts)

    def predict(self, images: np.ndarray, size: tuple[int, ...] | None = None) -> np.ndarray:
        """Classes (n, *size) uint8 of images (n, H, W, 3) uint8, by default at their size."""
        size = size or images.shape[1:3]
        parts = [self._predict(images[part], size) for part in slices(len(images), *size)]
        return torch.cat(parts).cpu().numpy()

    @torch.no_grad()
    def _predict(self, images: np.ndarray, size: tuple[int, ...]) -> torch.Tensor:
        self.model.eval()
        with self.autocast():
            return self.model.predict(images_to(self.device, images, self.config.channels_last), size)

    def state_dict(self) -> dict[str, Any]:
        """Everything that training goes on from, as tensors and plain values (loads with `weights_only=True`).

        Tensors are those in use, not copies.
        """
        return {
            "iteration": self.iteration,
            "model": self.model.state_dict(),
            "optimizers": self.optimizers.state_dict(),
            "records": self.records.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from `state_dict()` of a trainer with the same configuration."""
        self.iteration = state["iteration"]
        self.model.load_state_dict(state["model"])
        self.optimizers.load_state_dict(state["optimizers"])
        self.records.load_state_dict(state["records"], self.device)

    def autocast(self) -> torch.autocast:
        """The context in which the networks run."""
        return autocast(self.config.dtype, self.device)


def choose_device(name: str) -> torch.device:
    """The device that a configuration names; `auto` is the GPU that torch sees, or the CPU."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)
