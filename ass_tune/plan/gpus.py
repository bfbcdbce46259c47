"""The GPUs of this machine, from NVIDIA's driver, since planning does not import torch."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

QUERY = ("nvidia-smi", "--query-gpu=uuid,memory.total", "--format=csv,noheader,nounits")
PATIENCE = 20.0
"""Seconds after which a driver that does not answer is taken for missing."""


@dataclass(frozen=True)
class Gpu:
    """One GPU: its memory in bytes."""

    uuid: str
    memory: int


@cache
def gpus_here() -> tuple[Gpu, ...]:
    """The GPUs that trials on this machine would see; none where there is no NVIDIA driver."""
    try:
        answer = subprocess.run(QUERY, capture_output=True, text=True, timeout=PATIENCE, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    return visible(listed(answer), os.environ.get("CUDA_VISIBLE_DEVICES"))


def listed(answer: str) -> tuple[Gpu, ...]:
    """The GPUs in a driver's answer, one `UUID, MiB` per line; those of unknown memory are left out."""
    rows = [line.split(", ") for line in answer.splitlines()]
    return tuple(Gpu(row[0], int(row[1]) * 2**20) for row in rows if len(row) == 2 and row[1].strip().isdigit())


def visible(gpus: Sequence[Gpu], setting: str | None) -> tuple[Gpu, ...]:
    """Those that `CUDA_VISIBLE_DEVICES` names by number or by the start of their UUID, up to one that is not there."""
    if setting is None:
        return tuple(gpus)
    chosen: list[Gpu] = []
    for name in map(str.strip, setting.split(",")):
        found = [gpu for number, gpu in enumerate(gpus) if name == str(number) or (name and gpu.uuid.startswith(name))]
        if not found:
            break
        chosen.append(found[0])
    return tuple(chosen)
