"""Where the weights of a network come from: a seeded draw, or a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from trainables.domains.streams import stream

IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)


@contextmanager
def drawn_weights(seed: int, name: str) -> Iterator[None]:
    """Layers made inside have weights that depend on `seed` and `name` only; torch's generator is as before after."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(int(stream(seed, f"weights/{name}").integers(2**63)))
        yield


def read_weights(path: str) -> Mapping[str, Tensor]:
    """A state dict from a file; raises FileNotFoundError, and no code in the file is run."""
    return torch.load(Path(path).expanduser(), map_location="cpu", weights_only=True)
