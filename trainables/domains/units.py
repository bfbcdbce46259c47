"""The unit that the images of a report split are resampled by: images of one unit are not independent of each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

IMAGE = "image"
"""Images that are independent of each other are resampled one by one."""
BLOCK_IMAGES = 10
"""About how many consecutive images make a block.

A block has to be longer than what neighbouring images have in common, and there have to be several blocks. Ten images
of CamVid's report split are 1.3 s of driving, and its 51 images make five blocks. Blocks of this length show a
standard error 1.7 times that of independent images there.
"""
BLOCK = f"block of {BLOCK_IMAGES} consecutive images"


def blocks(names: Sequence[str], sequence_of: Callable[[str], str]) -> list[str]:
    """The block that each image is in: every sequence is cut into parts of about `BLOCK_IMAGES` images.

    Args:
        names: of the images, those of a sequence in a row and in the order of time.
        sequence_of: the sequence that an image belongs to, by its name.
    """
    found: list[str] = []
    for sequence, members in groupby(names, sequence_of):
        images = len(list(members))
        parts = max(1, round(images / BLOCK_IMAGES))
        found += [f"{sequence}/{place * parts // images + 1}" for place in range(images)]
    return found
