"""Every random draw as a function of (seed, name, iteration): labeled subsets, batches and augmentation."""

from __future__ import annotations

import hashlib
from functools import lru_cache

import numpy as np


def stream(seed: int, name: str, iteration: int = 0) -> np.random.Generator:
    """A generator that depends on its three arguments only.

    Philox is keyed with 128 bits of the arguments' SHA-256, so streams of different names or iterations are
    independent of each other, and no stream has a state that a checkpoint would have to carry.
    """
    digest = hashlib.sha256(f"{seed}\n{name}\n{iteration}".encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little")))


def training_pool(images: int, held_out: int, protocol: str) -> int:
    """How many of a target's training images, from the first on, are trained on, and may get labels.

    `protocol: split` leaves out the last `held_out` images, which choose configurations; `protocol: paper` trains on
    these too.
    """
    return images if protocol == "paper" else images - held_out


def labeled_subset(pool: int, count: int, seed: int) -> np.ndarray:
    """Indices of `count` of `pool` images, (count,) int64, nested: a smaller count gives a prefix of a larger one.

    Raises ValueError where `count` is negative or larger than the pool.
    """
    if not 0 <= count <= pool:
        raise ValueError(f"cannot label {count} of {pool} target images")
    return stream(seed, "labeled-subset").permutation(pool)[:count]


def batch_indices(seed: int, name: str, iteration: int, pool: int | np.ndarray, batch_size: int) -> np.ndarray:
    """The batch of one iteration: indices (batch_size,) int64, out of `range(pool)` or out of the array `pool`.

    All batches in a row are epochs in a row, each a fresh permutation of the pool; a batch may span epochs, and
    a pool smaller than the batch is repeated within it. Raises ValueError where the pool is empty.
    """
    size = pool if isinstance(pool, int) else len(pool)
    if not size:
        raise ValueError(f"no images to draw from in {name!r}")
    positions = range(iteration * batch_size, (iteration + 1) * batch_size)
    drawn = np.array([_permutation(seed, name, position // size, size)[position % size] for position in positions])
    return drawn if isinstance(pool, int) else pool[drawn]


@lru_cache(maxsize=8)
def _permutation(seed: int, name: str, epoch: int, size: int) -> np.ndarray:
    # kept, since drawing 25 000 numbers takes as long as copying an image; few, for a trial draws from three pools
    return stream(seed, f"{name}/epoch", epoch).permutation(size)


def flips(seed: int, name: str, iteration: int, batch_size: int) -> np.ndarray:
    """Which images of a batch to mirror left to right, (batch_size,) bool, each with probability one half."""
    return stream(seed, f"{name}/flip", iteration).random(batch_size) < 0.5


def crop_offsets(seed: int, name: str, iteration: int, batch_size: int, room: int) -> np.ndarray:
    """Offsets (batch_size,) int64, uniform over 0..room, of crops in images that exceed the crop by `room` pixels."""
    return stream(seed, f"{name}/crop", iteration).integers(0, room, batch_size, endpoint=True)
