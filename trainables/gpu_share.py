"""Whether a trial fits into the share of a GPU that its study gives it. Imports no torch."""

from __future__ import annotations

import math

from rich.filesize import decimal

from trainables.mistakes import UserMistake


class GpuTooSmall(UserMistake):
    """A trial needs more memory than its share of the GPU has."""


CONTEXT = 0.8e9
"""Bytes of a GPU that a process takes besides its tensors, for CUDA's context and libraries: an allowance, which
`benchmarks.gpu` measures (0.73 and 0.77 GB on an H100)."""


def check_share(tensors: float, gpus: float, memory: float) -> None:
    """Raise GpuTooSmall where a trial's tensors alone are more than it may have.

    Args:
        tensors: bytes of the trial's tensors at most.
        gpus: `resources.gpu`; a trial trains on one GPU, whatever more it has.
        memory: bytes of the GPU.
    """
    share, needed = min(gpus, 1.0), tensors + CONTEXT
    if needed <= share * memory:
        return
    change = f"a GPU of at least {decimal(round(needed))}, smaller batches, or dtype bfloat16"
    if needed <= memory:
        change = f"resources.gpu of at least {math.ceil(100 * needed / memory) / 100:g}, or {change}"
    raise GpuTooSmall(
        f"a trial needs about {decimal(round(needed))} of a GPU's memory, and resources.gpu: {gpus:g} of "
        f"{decimal(round(memory))} is {decimal(round(share * memory))}; allowed: {change}"
    )
