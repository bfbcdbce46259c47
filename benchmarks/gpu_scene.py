"""What is measured on a GPU: images of some size, and the arithmetic of a step."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from benchmarks.drawn_pair import DrawnPair
from benchmarks.trained_networks import NETWORKS, Network


@dataclass(frozen=True)
class Scene:
    """A network and the sizes (width, height) of its images.

    Attributes:
        key: begins the names of figures.
    """

    key: str
    network_name: str
    source: tuple[int, int]
    target: tuple[int, int]

    @property
    def network(self) -> Network:
        """The network."""
        return NETWORKS[self.network_name]

    @property
    def recipe(self) -> DrawnPair:
        """Images of noise in these sizes."""
        return DrawnPair(self.target, images=8, source_size=self.source)

    @property
    def title(self) -> str:
        """E.g. `ResNet-101 at 512x256`."""
        sizes = dict.fromkeys(f"{width}x{height}" for width, height in (self.source, self.target))
        return f"{self.network_name} at {' and '.join(sizes)}"


PAPER = Scene("paper", "ResNet-101", (1280, 720), (1024, 512))
QUARTER = Scene("512x256", "ResNet-101", (512, 256), (512, 256))
TOY = Scene("toy", "laptop network", (64, 32), (64, 32))


@dataclass(frozen=True)
class Arithmetic:
    """How a step computes its products.

    Attributes:
        dtype: as in a trial's configuration.
        tf32: convolutions and matrix products of float32 may round their factors to 10 bits, on GPUs that can. By
            default, torch lets convolutions do so, and trials change nothing about that.
    """

    name: str
    dtype: str
    tf32: bool

    @contextmanager
    def used(self) -> Generator[None, None, None]:
        """Inside, products are computed like this."""
        convolutions, products = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = self.tf32
        try:
            yield
        finally:
            torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = convolutions, products


FLOAT32 = Arithmetic("float32", "float32", tf32=False)
TF32 = Arithmetic("TF32", "float32", tf32=True)
BFLOAT16 = Arithmetic("bfloat16", "bfloat16", tf32=True)


def arithmetics(device: str) -> tuple[Arithmetic, ...]:
    """Those that a device has."""
    return (FLOAT32, TF32, BFLOAT16) if device == "cuda" else (FLOAT32, BFLOAT16)
