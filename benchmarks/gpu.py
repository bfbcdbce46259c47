"""Training steps of ga+csa on one GPU: whether they are right, how fast they are, and what takes time and memory.

Ours runs in float32, in TF32 (float32 whose factors may be rounded to 10 bits in convolutions and products) and in
bfloat16, compiled and not; the peer, the loop of AdaptSegNet (adaptsegnet_step.py), in float32 and in TF32, with
cudnn.benchmark as in AdaptSegNet's code. It takes six minutes on an H100; --quick, 512x256 alone and nothing compiled,
takes 80 s. Without a GPU all of it runs on the CPU at toy size, to see that it runs.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import RenderableType

from ass_tune.wording import format_bytes
from benchmarks.command_line import Result, Timing, figures_table, ratio, run
from benchmarks.gpu_batches import FLOATS, HELD, LOADED, OURS, share, ways
from benchmarks.gpu_errors import Error, step_errors
from benchmarks.gpu_memory import Memory, beside_tensors, memory
from benchmarks.gpu_scene import BFLOAT16, PAPER, QUARTER, TOY, Arithmetic, Scene, arithmetics
from benchmarks.gpu_steps import Side, Speed, operations_of_a_step, opponent, product_rate, sides, speeds
from benchmarks.step_anatomy import Part, anatomy


@dataclass(frozen=True)
class Effort:
    """How much is measured of a scene.

    Attributes:
        compiled: arithmetics in which compiled steps are measured, as far as there is time to compile them.
        rounds: of every comparison.
        errors: whether the first step is compared with float64 on the CPU.
    """

    compiled: Sequence[Arithmetic]
    rounds: int
    errors: bool = True


def measure(quick: bool) -> Result:
    """Measure on the GPU, or at toy size where there is none."""
    if not torch.cuda.is_available():
        return measure_scenes("cpu", {TOY: Effort((), 1 if quick else 5)})
    if quick:
        return measure_scenes("cuda", {QUARTER: Effort((), 3)})
    compiled = arithmetics("cuda")[::-1]
    return measure_scenes("cuda", {QUARTER: Effort(compiled, 8), PAPER: Effort(compiled, 8, errors=False)})


def measure_scenes(device: str, efforts: Mapping[Scene, Effort]) -> Result:
    """Measure all scenes on a device."""
    rates = {arithmetic: product_rate(arithmetic, device, 5) for arithmetic in arithmetics(device)}
    shown: list[RenderableType] = [_rates_table(rates)]
    figures = {f"{arithmetic.name.lower()}_tflops": rate / 1e12 for arithmetic, rate in rates.items()}
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        for scene, effort in efforts.items():
            found = _measure_scene(scene, effort, device, rates, Path(folder))
            shown += found.shown
            figures |= {f"{scene.key}_{name}": figure for name, figure in found.figures.items()}
    if device == "cuda":
        figures["beside_tensors_gb"] = beside_tensors() / 1e9
        shown.append(
            f"In use on the GPU beside torch's own memory (context, libraries): {format_bytes(beside_tensors())}"
        )
    else:
        shown.append(
            "No GPU: this ran on the CPU at toy size, to show that it runs. None of its figures means anything."
        )
    return Result(shown, figures)


def _measure_scene(
    scene: Scene, effort: Effort, device: str, rates: Mapping[Arithmetic, float], folder: Path
) -> Result:
    pair, rounds, kinds = scene.recipe.open(folder), effort.rounds, arithmetics(device)
    # the smallest first: what torch keeps of a larger one's memory would make room for the next
    memories = {kind: memory(scene, pair, kind, device, folder) for kind in kinds}
    errors = step_errors(scene, device, folder) if effort.errors else []
    computed = operations_of_a_step(scene, pair, device, folder)
    steps = speeds(scene, pair, sides(device, effort.compiled), device, folder, rounds)
    batches = ways(scene, pair, device, folder, 5 * rounds)
    loading = share(scene, pair, BFLOAT16, device, folder, rounds, steps=5)
    parts = _parts(scene, device, folder, rounds)
    peaks = {side: computed / rates[side.arithmetic] / speed.step.median for side, speed in steps.items()}
    figures = {
        **_error_figures(errors),
        **_step_figures(steps, peaks),
        **{f"{kind.name.lower()}_memory_ratio": found.ratio for kind, found in memories.items()},
        **{f"{kind.name.lower()}_memory_gb": found.peak / 1e9 for kind, found in memories.items()},
        "batch_ms": 1e3 * batches[OURS].median,
        "batch_ratio": ratio(batches, FLOATS, OURS),
        "loading_ratio": ratio(loading, LOADED, HELD),
    }
    shown: list[RenderableType] = [
        *([_errors_table(scene, errors)] if errors else []),
        _steps_table(scene, steps, peaks),
        _memory_table(scene, memories),
        _timings_table(f"{scene.title}: a batch on the device, normalised", batches),
        _timings_table(f"{scene.title}: a step in bfloat16", loading),
        _parts_table(scene, parts),
    ]
    return Result(shown, figures)


def _parts(scene: Scene, device: str, folder: Path, rounds: int) -> list[Part]:
    config = scene.network.configuration(BFLOAT16.dtype, folder, device=device)
    with BFLOAT16.used():
        return anatomy(scene.network.trainer(config, scene.recipe.open(folder)), rounds)


def _error_figures(errors: Sequence[Error]) -> dict[str, float]:
    named = {error.name.lower().replace(", ", "_"): error for error in errors}
    losses = {f"{name}_loss_error": error.loss for name, error in named.items()}
    return losses | {f"{name}_gradient_error": max(error.gradients.values()) for name, error in named.items()}


def _step_figures(steps: Mapping[Side, Speed], peaks: Mapping[Side, float]) -> dict[str, float]:
    figures = {}
    for side, speed in steps.items():
        figures[f"{side.key}_steps_per_s"] = 1 / speed.step.median
        figures[f"{side.key}_loss_difference"] = speed.loss_difference
        if side.peer:
            continue
        figures[f"{side.key}_ratio"] = steps[opponent(side, steps)].step.median / speed.step.median
        figures[f"{side.key}_peak_share"] = peaks[side]
        if side.compiled:
            figures[f"{side.key}_first_steps_s"] = speed.first
        if speed.kernels is not None:
            figures[f"{side.key}_busy_share"] = speed.kernels / speed.step.median
    return figures


def _rates_table(rates: Mapping[Arithmetic, float]) -> RenderableType:
    table = figures_table("a large matrix product", "", "TFLOP/s")
    for arithmetic, rate in rates.items():
        table.add_row(arithmetic.name, f"{rate / 1e12:.3g}")
    return table


def _errors_table(scene: Scene, errors: Sequence[Error]) -> RenderableType:
    parts = list(errors[0].gradients)
    title = f"{scene.title}: relative errors of the first step, against float64 on the CPU"
    table = figures_table(title, "", "a loss, at most", *(f"gradient of {part}" for part in parts))
    for error in errors:
        table.add_row(error.name, f"{error.loss:.1e}", *(f"{error.gradients[part]:.1e}" for part in parts))
    return table


def _steps_table(scene: Scene, steps: Mapping[Side, Speed], peaks: Mapping[Side, float]) -> RenderableType:
    columns = ("a step, median (range)", "steps/s", "times the peer", "of the product's rate", "GPU busy, kernels")
    table = figures_table(f"{scene.title}: steps of ga+csa", "", *columns, "first steps", "losses differ by")
    for side, speed in steps.items():
        faster = "" if side.peer else f"{steps[opponent(side, steps)].step.median / speed.step.median:.2f}"
        busy = "" if speed.kernels is None else f"{speed.kernels / speed.step.median:.0%}, {speed.launches}"
        measured = (f"{1 / speed.step.median:.3g}", faster, f"{peaks[side]:.0%}", busy, f"{speed.first:.1f} s")
        table.add_row(side.title, str(speed.step), *measured, f"{speed.loss_difference:.0e}")
    table.caption = "Peer of bfloat16: its TF32 where there is TF32. Losses: the first ones, from ours in float32."
    return table


def _memory_table(scene: Scene, memories: Mapping[Arithmetic, Memory]) -> RenderableType:
    table = figures_table(f"{scene.title}: memory of a trial", "", "estimate", "tensors at once", "torch took")
    for arithmetic, found in memories.items():
        taken = "" if found.reserved is None else format_bytes(found.reserved)
        table.add_row(arithmetic.name, format_bytes(found.estimate), format_bytes(found.peak), taken)
    return table


def _timings_table(title: str, timings: Mapping[str, Timing]) -> RenderableType:
    table = figures_table(title, "", "median (range)")
    for name, timing in timings.items():
        table.add_row(name, str(timing))
    return table


def _parts_table(scene: Scene, parts: Sequence[Part]) -> RenderableType:
    table = figures_table(
        f"{scene.title}: parts of our step in bfloat16, alone", "", "median (range)", "tensors at once"
    )
    for part in parts:
        table.add_row(part.name, str(part.timing), format_bytes(part.peak))
    return table


if __name__ == "__main__":
    sys.exit(run("gpu", __doc__, measure))
