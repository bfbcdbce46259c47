"""A training step of ga+csa, ours against the loop of AdaptSegNet, and where ours spends its time and memory.

The peer (adaptsegnet_step.py) runs in float32; ours in float32, where all losses have to agree, and in bfloat16. The
limit of a step: its floating-point operations at the rate that one large convolution of its network reaches.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from rich.console import RenderableType
from torch import Tensor
from torch.nn import functional as F

from ass_tune.wording import format_bytes
from benchmarks.adaptsegnet_step import AdaptSegNetStep
from benchmarks.command_line import Result, Timing, alternately, figures_table, ratio, run
from benchmarks.drawn_pair import DrawnPair
from benchmarks.step_anatomy import Part, anatomy
from benchmarks.trained_networks import NETWORKS, Network, operations
from trainables.ass.precision import DTYPES, computes_in_bfloat16
from trainables.ass.trainer import Trainer

AGREEING_STEPS = 5
"""Steps whose losses are compared: later ones differ, since Adam magnifies rounding."""
STRIDE = 8
"""Pixels of an image in a row or column of its features."""


@dataclass(frozen=True)
class Sides:
    """Steps of one network on the same images, and the losses of the float32 ones so far."""

    peer: AdaptSegNetStep
    ours: Mapping[str, Trainer]
    losses: Mapping[str, list[dict[str, Tensor]]] = field(default_factory=lambda: {"peer": [], "float32": []})

    def functions(self) -> dict[str, Callable[[], None]]:
        """Do one step of each."""
        return {"peer": self._step_of_peer, **{dtype: self._step_of_ours(dtype) for dtype in self.ours}}

    def difference(self) -> tuple[float, str]:
        """The largest relative difference between a loss of ours in float32 and the peer's, and its name."""
        pairs = list(zip(*self.losses.values(), strict=True))[:AGREEING_STEPS]
        return max((abs(ours[name] / loss - 1).item(), name) for peer, ours in pairs for name, loss in peer.items())

    def _step_of_peer(self) -> None:
        iteration = len(self.losses["peer"])
        batch = self.ours["float32"].batches.load(iteration)
        self.losses["peer"].append(self.peer.step(batch, iteration))

    def _step_of_ours(self, dtype: str) -> Callable[[], None]:
        trainer = self.ours[dtype]

        def step() -> None:
            trainer.step()
            if dtype in self.losses:
                measured = trainer.records.newest.items()
                self.losses[dtype].append({name.removeprefix("loss/"): value for name, value in measured})

        return step


@dataclass(frozen=True)
class Found:
    """Measurements of one network at one size."""

    title: str
    timings: Mapping[str, Timing]
    limits: Mapping[str, float]
    """Seconds of a step if all of it ran at the rate of a large convolution, by dtype."""
    difference: tuple[float, str]
    parts: list[Part]

    def ratio(self, dtype: str) -> float:
        """Seconds of the peer's step divided by ours."""
        return ratio(self.timings, "peer", dtype)

    def limit_share(self, dtype: str) -> float:
        """Seconds at the limit divided by ours."""
        return self.limits[dtype] / self.timings[dtype].median


def compare(
    name: str, size: tuple[int, int], dtypes: Iterable[str], rounds: int, folder: Path, parts: bool = True
) -> Found:
    """Time steps of both sides in turn at one image size (width, height), after a warm-up; and the parts of ours."""
    network = NETWORKS[name]
    pair = DrawnPair(size, images=8).open(folder)
    configs = {dtype: network.configuration(dtype, folder) for dtype in dtypes}
    trainers = {dtype: network.trainer(config, pair) for dtype, config in configs.items()}
    sides = Sides(network.peer(configs["float32"], pair), trainers)
    convolutions = {f"{dtype} convolution": _convolution(network, size, dtype) for dtype in configs}
    timings = alternately({**sides.functions(), **{name: run for name, (run, _) in convolutions.items()}}, rounds)
    rates = {dtype: convolutions[n := f"{dtype} convolution"][1] / min(timings[n].seconds) for dtype in configs}
    computed = operations(sides.ours["float32"])
    return Found(
        f"{name} at {size[0]}x{size[1]}",
        timings,
        {dtype: computed / rate for dtype, rate in rates.items()},
        sides.difference(),
        anatomy(sides.ours["float32"], max(1, rounds // 2)) if parts else [],
    )


def _convolution(network: Network, size: tuple[int, int], dtype: str) -> tuple[Callable[[], object], float]:
    """The network's largest convolution on a batch of features, and its count of floating-point operations."""
    channels, dilation = network.convolution
    batch = network.values["source_batch"] + network.values["labeled_batch"]
    features = torch.randn(batch, channels, size[1] // STRIDE, size[0] // STRIDE)
    weight = torch.randn(channels, channels, 3, 3)
    layout = torch.channels_last if dtype == "bfloat16" else torch.contiguous_format
    features, weight = (tensor.to(DTYPES[dtype]).to(memory_format=layout) for tensor in (features, weight))
    operations = 2 * weight.numel() * features.numel() / channels
    repeats = max(1, round(2e9 / operations))

    def several() -> None:
        for _ in range(repeats):
            F.conv2d(features, weight, padding=dilation, dilation=dilation)

    return several, operations * repeats


def measure(quick: bool) -> Result:
    """Measure ResNet-101 and the laptop network."""
    native = computes_in_bfloat16(torch.device("cpu"))
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        place = Path(folder)
        laptop = compare("laptop network", (128, 64), DTYPES, 4 if quick else 30, place)
        if native:
            found = compare("ResNet-101", (256, 128) if quick else (512, 256), DTYPES, 1 if quick else 5, place)
            resnet = dict.fromkeys(DTYPES, found)
        else:  # bfloat16 would take minutes a step at full size
            both = compare("ResNet-101", (32, 32) if quick else (64, 32), DTYPES, 1, place, parts=False)
            size, rounds = ((128, 64), 2) if quick else ((512, 256), 5)
            resnet = {"float32": compare("ResNet-101", size, ("float32",), rounds, place), "bfloat16": both}
    figures = {}
    for dtype, short in (("float32", "fp32"), ("bfloat16", "bf16")):
        figures[f"{short}_ratio"] = resnet[dtype].ratio(dtype)
        figures[f"{short}_limit_share"] = resnet[dtype].limit_share(dtype)
        figures[f"laptop_{short}_ratio"] = laptop.ratio(dtype)
    figures["limit_share"] = figures["bf16_limit_share" if native else "fp32_limit_share"]
    figures["loss_difference"] = max(found.difference[0] for found in (laptop, *resnet.values()))
    shown = [table for found in {id(each): each for each in resnet.values()}.values() for table in _shown(found)]
    shown += _shown(laptop)
    if not native:
        shown.append(
            "This CPU has no instructions for bfloat16: it computes it by way of float32, several times slower."
        )
    return Result(shown, figures)


def _shown(found: Found) -> list[RenderableType]:
    steps = figures_table(
        f"{found.title}: a step of ga+csa", "", "median (range)", "peer's time over it", "share of the limit"
    )
    for side, timing in found.timings.items():
        if side.endswith("convolution"):
            continue
        share = f"{found.limit_share(side):.0%} of {found.limits[side]:.2f} s" if side in found.limits else ""
        label = "AdaptSegNet's loop, float32" if side == "peer" else f"ours, {side}"
        steps.add_row(label, str(timing), f"{found.ratio(side) if side != 'peer' else 1:.2f}", share)
    difference, loss = found.difference
    steps.caption = f"losses of the first steps differ by {difference:.1e} at most in float32, in {loss}"
    if not found.parts:
        return [steps]
    parts = figures_table(f"{found.title}: parts of our float32 step, alone", "", "median (range)", "tensors at once")
    for part in found.parts:
        parts.add_row(part.name, str(part.timing), format_bytes(part.peak))
    return [steps, parts]


if __name__ == "__main__":
    sys.exit(run("train_step", __doc__, measure))
