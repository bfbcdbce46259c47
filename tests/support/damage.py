"""What bad disks and cut-off copies do to files."""

from __future__ import annotations

import random


def spoiled(content: bytes, chance: random.Random, cut: float) -> bytes:
    """The content cut off at a random place, with probability `cut`, or with up to 8 random bytes altered."""
    if chance.random() < cut:
        return content[: chance.randrange(len(content))]
    altered = bytearray(content)
    for position in chance.sample(range(len(content)), chance.randint(1, 8)):
        altered[position] ^= chance.randint(1, 255)
    return bytes(altered)
