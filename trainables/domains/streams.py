"""Random streams that are pure functions of what they are for, so that any draw can be made again."""

from __future__ import annotations

import hashlib

import numpy as np


def stream(seed: int, name: str, iteration: int = 0) -> np.random.Generator:
    """A generator that depends on its three arguments only.

    Philox is keyed with 128 bits of the arguments' SHA-256, so streams of different names or iterations are
    independent of each other, and no stream has a state that a checkpoint would have to carry.
    """
    digest = hashlib.sha256(f"{seed}\n{name}\n{iteration}".encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little")))
