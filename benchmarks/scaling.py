"""How a step's cost grows with image size, and how a study's data start-up grows with the trials on a node.

The steps are whole ones of ga+csa: a source, a labeled and an unlabeled image, all losses, all updates, one thread.
The exponent is the slope of log seconds over log pixels: 1 is linear, less is a part that all sizes have alike.
Trials start as they do in a study: the driver compares the packed files with their checksums, once; then processes
map them and draw their first batch, all at the same time.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from rich.table import Table

from benchmarks.command_line import Result, Timing, alternately, figures_table, run
from benchmarks.drawn_pair import DrawnPair
from benchmarks.trial_starts import start_trials
from trainables.ass.config import AssConfig
from trainables.ass.profiles import PROFILES
from trainables.ass.trainer import Trainer
from trainables.domains.prepare import pack_pair

Size = tuple[int, int]
"""Width and height in pixels."""
ONE_OF_EACH = {"source_batch": 1, "labeled_batch": 1, "unlabeled_batch": 1, "labeled_images": 2}
NETWORKS: Mapping[str, Mapping[str, Any]] = {
    "laptop network": PROFILES["laptop"],
    "ResNet-101": {**PROFILES["paper"], "backbone_weights": "none", "normalisation": "batch"},
}
SIZES: Mapping[str, tuple[Size, ...]] = {
    "laptop network": ((256, 128), (512, 256), (1024, 512)),
    "ResNet-101": ((128, 64), (256, 128), (512, 256)),
}
TRIALS = (1, 2, 4, 8)


def step_costs(network: str, sizes: tuple[Size, ...], rounds: int) -> dict[Size, Timing]:
    """Seconds of a step by the size of its images."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        pairs = {size: DrawnPair(size).open(Path(folder)) for size in sizes}
        trainers = {size: Trainer(configuration(network), pair) for size, pair in pairs.items()}  # pyright: ignore
        timings = alternately({str(size): trainer.step for size, trainer in trainers.items()}, rounds)
        return {size: timings[str(size)] for size in sizes}


def configuration(network: str) -> AssConfig:
    """A trial of ga+csa with one image of each kind a step; random weights cost as much as pre-trained ones."""
    of_profile = {**NETWORKS[network], **ONE_OF_EACH}
    return AssConfig(
        domains="drawn", profile=network, seed=0, iterations=1000, evaluate_every=1000, adaptor="ga+csa", **of_profile
    )


def exponent(costs: Mapping[Size, Timing]) -> float:
    """The slope of log seconds over log pixels by least squares."""
    pixels = [width * height for width, height in costs]
    return float(np.polyfit(np.log(pixels), np.log([timing.median for timing in costs.values()]), 1)[0])


def startup_costs(recipe: DrawnPair, trials: tuple[int, ...], rounds: int) -> dict[int, tuple[Timing, Timing]]:
    """Seconds of the driver's check, and from then until the last trial has its first batch, by number of trials."""
    config = configuration("laptop network")
    costs = {number: (Timing(), Timing()) for number in trials}
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        cache = Path(folder)
        pack_pair(recipe.open(cache), workers=1)
        start_trials(1, config, recipe, cache)
        for number in trials * rounds:
            checked, started = costs[number]
            begun = perf_counter()
            pack_pair(recipe.open(cache))
            checked.seconds.append(perf_counter() - begun)
            started.seconds.append(start_trials(number, config, recipe, cache))
    return costs


def measure(quick: bool) -> Result:
    """Measure both tables."""
    step_tables, exponents = [], {}
    for network, sizes in SIZES.items():
        costs = step_costs(network, sizes[:-1] if quick else sizes, rounds=1 if quick else 3)
        exponents[network] = exponent(costs)
        step_tables.append(_step_table(network, costs, exponents[network]))
    recipe = DrawnPair((512, 256), images=50 if quick else 200)
    costs = startup_costs(recipe, TRIALS, rounds=3 if quick else 10)
    one, most = (sum(timing.median for timing in costs[number]) for number in (TRIALS[0], TRIALS[-1]))
    figures = {
        "pixel_exponent": exponents["ResNet-101"],
        "laptop_pixel_exponent": exponents["laptop network"],
        "startup_growth": most / one,
        "startup_growth_per_trial": most / one / (TRIALS[-1] / TRIALS[0]),
    }
    return Result([*step_tables, _startup_table(recipe, costs)], figures)


def _step_table(network: str, costs: Mapping[Size, Timing], slope: float) -> Table:
    title = f"a step of the {network}: seconds grow as pixels to the power of {slope:.2f}"
    table = figures_table(title, "image", "a step, median (range)", "a megapixel of an image")
    for (width, height), timing in costs.items():
        table.add_row(f"{width}x{height}", str(timing), f"{timing.median / (width * height / 1e6):.3g} s")
    return table


def _startup_table(recipe: DrawnPair, costs: Mapping[int, tuple[Timing, Timing]]) -> Table:
    (width, height), sets = recipe.size, len(recipe.sizes)
    title = f"start-up of the data of a study, {sets} sets of {recipe.images} images of {width}x{height}"
    table = figures_table(title, "trials", "the driver's check", "then until all have a first batch", "both", "a trial")
    for number, (checked, started) in costs.items():
        both = checked.median + started.median
        table.add_row(str(number), str(checked), str(started), f"{both:.3f} s", f"{both / number:.3f} s")
    return table


if __name__ == "__main__":
    sys.exit(run("scaling", __doc__, measure, threads=1))
