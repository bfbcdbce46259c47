"""A trial's device memory: the estimate that `--plan` shows and trials are refused by, and what a trial takes."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.gpu_scene import Arithmetic, Scene
from trainables.ass.config import AssConfig
from trainables.ass_memory import LiveBytes, peak_bytes
from trainables.domains.domain_pair import DomainPair

STEPS = 3


@dataclass(frozen=True)
class Memory:
    """Bytes.

    Attributes:
        estimate: of tensors at once, made without the device.
        peak: of tensors at once, in some steps and an evaluation.
        reserved: what torch took of the device for them; None on a CPU.
    """

    estimate: int
    peak: int
    reserved: int | None

    @property
    def ratio(self) -> float:
        """The estimate over the peak."""
        return self.estimate / self.peak


def memory(scene: Scene, pair: DomainPair, arithmetic: Arithmetic, device: str, folder: Path) -> Memory:
    """Estimate and measure a trial's memory."""
    config = scene.network.configuration(arithmetic.dtype, folder, device=device)
    estimate = peak_bytes(config, scene.recipe)
    with arithmetic.used():
        if device != "cuda":
            with LiveBytes() as live:
                _train(scene, config, pair)
            return Memory(estimate, live.peak, None)
        gc.collect()
        torch.cuda.empty_cache()
        allocated, reserved = torch.cuda.memory_allocated(), torch.cuda.memory_reserved()
        torch.cuda.reset_peak_memory_stats()
        _train(scene, config, pair)
        peaks = torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved()
    return Memory(estimate, peaks[0] - allocated, peaks[1] - reserved)


def beside_tensors() -> int:
    """Bytes of the GPU that are in use and not torch's to give out: CUDA's context, libraries, other processes."""
    free, total = torch.cuda.mem_get_info()
    return total - free - torch.cuda.memory_reserved()


def _train(scene: Scene, config: AssConfig, pair: DomainPair) -> None:
    trainer = scene.network.trainer(config, pair)
    for _ in range(STEPS):
        trainer.step()
    trainer.evaluate(pair.target_report)
