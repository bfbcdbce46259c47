"""Which target images carry labels."""

from __future__ import annotations

import numpy as np

from trainables.domains.streams import stream


def labeled_subset(pool: int, count: int, seed: int) -> np.ndarray:
    """Indices of `count` of `pool` images, (count,) int64, nested: a smaller count gives a prefix of a larger one.

    Raises ValueError where `count` is negative or larger than the pool.
    """
    if not 0 <= count <= pool:
        raise ValueError(f"cannot label {count} of {pool} target images")
    return stream(seed, "labeled-subset").permutation(pool)[:count]
