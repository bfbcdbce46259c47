"""The images of one iteration, as a pure function of the seed and the iteration, on the device."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trainables.ass.adaptation import adaptation
from trainables.ass.config import AssConfig
from trainables.ass.crops import Crops, host_tensor
from trainables.ass.outputs import Images, Unlabeled
from trainables.domains.domain_pair import DomainPair
from trainables.domains.packed import PackedSet
from trainables.domains.sampling import batch_indices, crop_offsets, flips, labeled_subset


@dataclass(frozen=True)
class Batch:
    """I_s, I_tl and I_tu; None for what the adaptor does not train on."""

    source: Images | None
    labeled: Images | None
    unlabeled: Unlabeled | None


class Batches:
    """Draws batches; each kind of image has streams of its own, so all adaptors see the same ones in the same order."""

    def __init__(self, config: AssConfig, pair: DomainPair, device: torch.device) -> None:
        self.config = config
        self.pair = pair
        self.device = device
        self.adaptation = adaptation(config.adaptor)
        subset_seed = config.seed if config.subset_seed is None else config.subset_seed
        self.pool = pair.pool(config.protocol)
        self.labeled = labeled_subset(self.pool, config.labeled_images, subset_seed)

    @property
    def changes(self) -> tuple[int, ...]:
        """Iterations from which on batches have images of other kinds than before."""
        return (self.config.source_iterations,) if self.adaptation.in_turn else ()

    def images_in(self, iteration: int) -> int:
        """Number of images in the batch of an iteration."""
        config, (source, labeled) = self.config, self._kinds(iteration)
        sizes = source * config.source_batch, labeled * config.labeled_batch
        return sum(sizes) + self.adaptation.unlabeled * config.unlabeled_batch

    def load(self, iteration: int) -> Batch:
        """The batch of an iteration."""
        config, pair = self.config, self.pair
        from_source, from_labeled = self._kinds(iteration)
        source = labeled = unlabeled = None
        if from_source:
            crops = self._draw("source", iteration, pair.source, len(pair.source), config.source_batch)
            source = self._images(pair.source, crops)
        if from_labeled:
            crops = self._draw("labeled", iteration, pair.target_train, self.labeled, config.labeled_batch)
            labeled = self._images(pair.target_train, crops)
        if self.adaptation.unlabeled:
            crops = self._draw("unlabeled", iteration, pair.target_train, self.pool, config.unlabeled_batch)
            unlabeled = Unlabeled(self._pixels(pair.target_train, crops))
        return Batch(source, labeled, unlabeled)

    def _kinds(self, iteration: int) -> tuple[bool, bool]:
        """Whether the batch of an iteration has source images, and labeled target images."""
        used, switch = self.adaptation, self.config.source_iterations
        labeled = self.config.labeled_images > 0 and used.trains_on_labeled(iteration, switch)
        return used.trains_on_source(iteration, switch), labeled

    def _draw(self, name: str, iteration: int, packed: PackedSet, pool: int | np.ndarray, size: int) -> Crops:
        seed = self.config.seed
        indices = batch_indices(seed, name, iteration, pool, size)
        width = crop_width(packed.images.shape, self.pair.target_train.images.shape)
        offsets = crop_offsets(seed, name, iteration, size, packed.images.shape[2] - width)
        mirrored = flips(seed, name, iteration, size) if self.config.flip else np.zeros(size, bool)
        return Crops(indices, offsets, width, mirrored)

    def _images(self, packed: PackedSet, crops: Crops) -> Images:
        return Images(self._pixels(packed, crops), crops.labels(packed.labels, self.device))

    def _pixels(self, packed: PackedSet, crops: Crops) -> Tensor:
        return crops.pixels(packed.images, self.device, self.config.channels_last)


def crop_width(shape: tuple[int, ...], target_shape: tuple[int, ...]) -> int:
    """Width in pixels to train at, from (N, H, W, 3): the target's for wider images of its height, else their own."""
    return min(shape[2], target_shape[2]) if shape[1] == target_shape[1] else shape[2]


def images_to(device: torch.device, images: np.ndarray, channels_last: bool) -> Tensor:
    """Images (N, H, W, 3) uint8 as a tensor (N, 3, H, W) uint8 on the device."""
    pixels = to_device(device, images).permute(0, 3, 1, 2)
    return pixels if channels_last else pixels.contiguous()


def to_device(device: torch.device, array: np.ndarray) -> Tensor:
    """An array (...) uint8 as a tensor on the device, copied without waiting for the device."""
    host = host_tensor(array.shape, device)
    np.copyto(host.numpy(), array)
    return host.to(device, non_blocking=True)
