"""What a trial of the method needs of its device's memory, without the device and before it starts.

The trial's own steps run on tensors that have sizes and no content; the bytes of those that are alive are counted.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

from trainables.ass.batches import Batch, Batches
from trainables.ass.config import AssConfig
from trainables.ass.evaluation import slices
from trainables.ass.model import Model
from trainables.ass.objectives import discriminator_objective, generator_objective
from trainables.ass.optimization import Optimizers
from trainables.ass.precision import autocast
from trainables.ass.trainer import choose_device
from trainables.domains.classes import ClassSet
from trainables.domains.pairs import find_pair
from trainables.domains.recipe import SETS, PairRecipe
from trainables.gpu_share import check_share

CPU = torch.device("cpu")
MANY = 100_000
"""Images of a set whose number nobody knows: more than a trial needs at once."""


def check_memory(config: AssConfig, gpus: float) -> None:
    """Raise `UserMistake` where a trial will not fit into its share of the GPU that it would train on."""
    device = choose_device(config.device)
    if device.type == "cuda" and gpus > 0:
        check_share(trial_bytes(config), gpus, torch.cuda.get_device_properties(device).total_memory)


def trial_bytes(config: AssConfig) -> int:
    """Bytes of tensors that a trial has on its device at once, at most."""
    return peak_bytes(config, find_pair(config.domains))


def peak_bytes(config: AssConfig, recipe: PairRecipe) -> int:
    """Like `trial_bytes`, for a pair of any sizes.

    Memory that belongs to no tensor is not counted: the device's context, workspaces of its libraries, and gaps between
    tensors. Neither is the best network so far, which is kept on the CPU. Backbones whose first blocks keep their
    pre-trained weights are counted as if all were trained.
    """
    unweighted = {"backbone_weights": "none", "device": "cpu", "channels_last": False, "compile": False}
    config = config.model_copy(update=unweighted)
    batches = Batches(config, _blank_pair(recipe), CPU)  # pyright: ignore[reportArgumentType]
    kinds = [batches.load(iteration) for iteration in dict.fromkeys((0, *batches.changes))]
    with FakeTensorMode(allow_non_fake_inputs=True), Copies(), LiveBytes() as live:
        model = Model(config, len(recipe.classes))
        optimizers = Optimizers(config, model.network, model.discriminators(), model.rates())
        for batch in kinds:
            for iteration in range(2):  # the second finds the first one's gradients and optimizer states
                _step(config, model, _copied(batch), optimizers, iteration)
        _predict(config, model, recipe)
    return live.peak


class Copies(TorchFunctionMode):
    """Lets `copy.deepcopy` of a tensor without content make another one.

    Torch's own copies bytes from where there are none, and over other memory; adaptors may copy G for a teacher.
    """

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if function is not Tensor.__deepcopy__:
            return function(*args, **(kwargs or {}))
        tensor, memo = args
        if id(tensor) not in memo:
            memo[id(tensor)] = tensor.detach().clone().requires_grad_(tensor.requires_grad)
        return memo[id(tensor)]


class LiveBytes(TorchDispatchMode):
    """Counts the bytes of all tensors made inside that are alive, those that share memory once."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self.peak = 0
        self._sizes: dict[weakref.ref[torch.UntypedStorage], int] = {}

    def __torch_dispatch__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        made = function(*args, **(kwargs or {}))
        for value in tree_iter(made):
            if isinstance(value, Tensor):
                self._count(value.untyped_storage())
        return made

    def _count(self, storage: torch.UntypedStorage) -> None:
        if weakref.ref(storage) in self._sizes:
            return
        size = storage.nbytes()
        self._sizes[weakref.ref(storage, self._forget)] = size
        self.now += size
        self.peak = max(self.peak, self.now)

    def _forget(self, storage: weakref.ref[torch.UntypedStorage]) -> None:
        self.now -= self._sizes.pop(storage)


@dataclass(frozen=True)
class BlankSet:
    """Images and labels of a set's shape that take no memory."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class BlankPair:
    """A pair of blank sets."""

    classes: ClassSet
    source: BlankSet
    target_train: BlankSet
    target_select: BlankSet
    target_report: BlankSet

    def pool(self, protocol: str) -> int:
        """All images: which of them are drawn does not matter."""
        return len(self.target_train)


def _blank_pair(recipe: PairRecipe) -> BlankPair:
    return BlankPair(recipe.classes, **{name: _blank_set(recipe, name) for name in SETS})


def _blank_set(recipe: PairRecipe, name: str) -> BlankSet:
    (width, height), (columns, rows) = recipe.image_size(name), recipe.label_size(name)
    count = recipe.sizes.get(name, MANY)
    blank = np.zeros((), np.uint8)
    return BlankSet(np.broadcast_to(blank, (count, height, width, 3)), np.broadcast_to(blank, (count, rows, columns)))


def _copied(batch: Batch) -> Batch:
    parts = {field.name: getattr(batch, field.name) for field in fields(batch)}
    return Batch(**{name: _copied_images(images) if images else None for name, images in parts.items()})


def _copied_images(images: Any) -> Any:
    return replace(images, **{field.name: getattr(images, field.name).clone() for field in fields(images)})


def _step(config: AssConfig, model: Model, batch: Batch, optimizers: Optimizers, iteration: int) -> None:
    """`Trainer.step`, whose networks cannot be moved to a device while they have no content."""
    optimizers.set_rates(iteration)
    with autocast(config.dtype, CPU):
        forwarded = model(batch)
        objective = generator_objective(model.generator_losses(forwarded), config)
    optimizers.step_generator(objective)
    if model.discriminators():
        with autocast(config.dtype, CPU):
            losses, _ = model.discriminator_losses(forwarded)
        optimizers.step_discriminators(discriminator_objective(losses, config))


@torch.no_grad()
def _predict(config: AssConfig, model: Model, recipe: PairRecipe) -> None:
    """One part of an evaluation, without the counting."""
    (width, height), (columns, rows) = recipe.image_size("target_report"), recipe.label_size("target_report")
    part = next(slices(recipe.sizes.get("target_report", MANY), rows, columns))
    pixels = torch.zeros(part.stop - part.start, 3, height, width, dtype=torch.uint8)
    model.eval()
    with autocast(config.dtype, CPU):
        model.predict(pixels, (rows, columns))
