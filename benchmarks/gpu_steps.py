"""Speed of training steps on a device: ours in each arithmetic, compiled and not, and the loop of AdaptSegNet."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import torch
import torch._dynamo
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from benchmarks.command_line import Timing, alternately, synchronize
from benchmarks.gpu_scene import BFLOAT16, FLOAT32, TF32, Arithmetic, Scene, arithmetics
from benchmarks.trained_networks import operations
from trainables.ass.batches import Batches
from trainables.ass.trainer import choose_device
from trainables.domains.domain_pair import DomainPair

STEPS_TO_WARM_UP = 3
SECONDS_OF_A_ROUND = 0.3
"""Steps are timed several at once: a device that is given the next step while it computes one never waits."""
STEPS_AT_ONCE = 50
MOST_COMPILED = 64
"""Times that one function is compiled in this process, for each size and arithmetic of both scenes."""
SECONDS_TO_COMPILE = 100
"""Nothing more is compiled at a size after so long."""


@dataclass(frozen=True)
class Side:
    """One way to train.

    Attributes:
        peer: the loop of AdaptSegNet instead of ours; bfloat16 it has not.
        compiled: with `compile: true`.
        benchmarked: cuDNN tries its algorithms for each size, as AdaptSegNet's code lets it.
    """

    arithmetic: Arithmetic
    peer: bool = False
    compiled: bool = False
    benchmarked: bool = False

    @property
    def key(self) -> str:
        """Part of the names of figures, such as `bfloat16_compiled`."""
        additions = {"peer": self.peer, "compiled": self.compiled, "benchmarked": self.benchmarked and not self.peer}
        return "_".join([self.arithmetic.name.lower(), *(name for name, added in additions.items() if added)])

    @property
    def title(self) -> str:
        """In words."""
        addition = ", compiled" if self.compiled else ", cudnn.benchmark" if self.benchmarked else ""
        return f"{'AdaptSegNet' if self.peer else 'ours'}, {self.arithmetic.name}{addition}"


@dataclass(frozen=True)
class Speed:
    """What was measured of a side.

    Attributes:
        step: seconds of a step.
        first: seconds of the first few steps, with compiling.
        loss_difference: the largest relative difference of a first loss from ours in float32.
        kernels: seconds of a step in which the GPU computes or copies; None on a CPU.
        launches: number of kernels and copies of a step.
    """

    step: Timing
    first: float
    loss_difference: float
    kernels: float | None
    launches: int


def sides(device: str, compiled: Sequence[Arithmetic]) -> list[Side]:
    """The peer, ours, and ours compiled in some arithmetics."""
    peers = [Side(each, peer=True, benchmarked=True) for each in arithmetics(device) if each is not BFLOAT16]
    ours = [Side(each) for each in arithmetics(device)] + [Side(each, compiled=True) for each in compiled]
    return [*peers, *ours, *([Side(BFLOAT16, benchmarked=True)] if device == "cuda" else [])]


def opponent(side: Side, measured: Collection[Side]) -> Side:
    """The loop of AdaptSegNet that a side is compared with: in its arithmetic, or the nearest that was measured."""
    peers = [Side(arithmetic, peer=True, benchmarked=True) for arithmetic in (side.arithmetic, TF32, FLOAT32)]
    return next(peer for peer in peers if peer in measured)


def speeds(
    scene: Scene, pair: DomainPair, chosen: Sequence[Side], device: str, folder: Path, rounds: int
) -> Mapping[Side, Speed]:
    """Time steps of several sides in turn, without those for which there was no time left to compile them."""
    running: dict[Side, _Running] = {}
    first: dict[Side, float] = {}
    for side in chosen:
        if side.compiled and sum(first[one] for one in first if one.compiled) > SECONDS_TO_COMPILE:
            continue
        running[side] = _Running(side, scene, pair, device, folder)
        with torch._dynamo.config.patch(recompile_limit=MOST_COMPILED):
            first[side] = _timed(running[side], STEPS_TO_WARM_UP)
    counts = {side: _steps_at_once(_timed(run, 1)) for side, run in running.items()}
    functions = {side.key: _several(run, counts[side]) for side, run in running.items()}
    timings = alternately(functions, rounds)
    exact = running[Side(FLOAT32)].losses
    found = {}
    for side, run in running.items():
        kernels, launches = _on_the_gpu(run) if device == "cuda" else (None, 0)
        difference = max(abs(run.losses[name] / loss - 1).item() for name, loss in exact.items())
        found[side] = Speed(timings[side.key].per(counts[side]), first[side], difference, kernels, launches)
    return found


def operations_of_a_step(scene: Scene, pair: DomainPair, device: str, folder: Path) -> float:
    """Floating-point operations of our step."""
    return operations(scene.network.trainer(scene.network.configuration("float32", folder, device=device), pair))


def product_rate(arithmetic: Arithmetic, device: str, rounds: int) -> float:
    """Floating-point operations a second of one large matrix product."""
    size, dtype = (8192 if device == "cuda" else 256), getattr(torch, arithmetic.dtype)
    one, other = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    with arithmetic.used():
        timing = alternately({"product": lambda: [one @ other for _ in range(10)]}, rounds, warmups=2)["product"]
    return 10 * 2 * size**3 / timing.median


class _Running:
    """A side that trains."""

    def __init__(self, side: Side, scene: Scene, pair: DomainPair, device: str, folder: Path) -> None:
        self.side = side
        config = scene.network.configuration(side.arithmetic.dtype, folder, device=device, compile=side.compiled)
        self.peer = scene.network.peer(config, pair) if side.peer else None
        self.trainer = None if side.peer else scene.network.trainer(config, pair)
        self.batches = Batches(config, pair, choose_device(device))
        self.iteration = 0
        self.losses: Mapping[str, Tensor] = {}

    def __call__(self, steps: int) -> None:
        """Train for some steps."""
        before = torch.backends.cudnn.benchmark
        torch.backends.cudnn.benchmark = self.side.benchmarked
        with self.side.arithmetic.used():
            for _ in range(steps):
                losses = self._step_of_peer() if self.peer else self._step_of_ours()
                self.losses = self.losses or losses
        torch.backends.cudnn.benchmark = before

    def _step_of_peer(self) -> Mapping[str, Tensor]:
        assert self.peer
        losses = self.peer.step(self.batches.load(self.iteration), self.iteration)
        self.iteration += 1
        return losses

    def _step_of_ours(self) -> Mapping[str, Tensor]:
        assert self.trainer
        self.trainer.step()
        found = {name.removeprefix("loss/"): loss for name, loss in self.trainer.records.newest.items()}
        return {name: found[name] for name in ("seg_source", "seg_labeled", "gadv", "sadv", "gd", "sd")}


def _several(run: _Running, steps: int) -> Callable[[], None]:
    return lambda: run(steps)


def _timed(run: _Running, steps: int) -> float:
    started = perf_counter()
    run(steps)
    synchronize()
    return perf_counter() - started


def _steps_at_once(seconds: float) -> int:
    return max(1, min(STEPS_AT_ONCE, round(SECONDS_OF_A_ROUND / seconds)))


def _on_the_gpu(run: _Running, steps: int = 3) -> tuple[float, int]:
    """Seconds of a step's kernels and copies, and their number."""
    with profile(activities=[ProfilerActivity.CUDA], acc_events=True) as found:
        run(steps)
        torch.cuda.synchronize()
    events = [event for event in found.key_averages() if event.self_device_time_total > 0]
    seconds = 1e-6 * sum(event.self_device_time_total for event in events)
    return seconds / steps, round(sum(event.count for event in events) / steps)
