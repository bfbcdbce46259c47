"""A paired bootstrap over 500 images, 19 classes and 3 seeds, against the loop that sums the counts of each resample.

Both take the same resamples, and have to find the same differences.
"""

from __future__ import annotations

import sys
import tracemalloc
from functools import partial

import numpy as np

from analysis.statistics.bootstrap import compare, overlaps_of, resampled_mious, resampled_side, times_drawn
from ass_tune.wording import format_bytes
from benchmarks.command_line import Result, alternately, figures_table, ratio, run
from trainables.ass.metrics import miou

RUNS, IMAGES, CLASSES, RESAMPLES = 3, 500, 19, 10_000
PIXELS = 2048 * 1024
ERRORS = (0.2, 0.21)
"""Share of pixels that each of the two sides gets wrong."""


def drawn_counts(error: float, seed: int) -> np.ndarray:
    """Confusion counts (runs, images, classes, classes) of images of Cityscapes' size."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.full(CLASSES, 0.3), IMAGES)
    wrong = np.full((CLASSES, CLASSES), error / (CLASSES - 1))
    np.fill_diagonal(wrong, 1 - error)
    expected = PIXELS * shares[:, :, None] * wrong
    return rng.poisson(expected, (RUNS, *expected.shape))


def naive(ours: np.ndarray, theirs: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """The difference in each resample, by a loop."""
    found = np.empty(len(drawn))
    for number, images in enumerate(drawn):
        pairs = zip(ours, theirs, strict=True)
        found[number] = np.mean([miou(one[images].sum(0)) - miou(other[images].sum(0)) for one, other in pairs])
    return found


def vectorised(ours: np.ndarray, theirs: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """The same by one matrix product."""
    mious = resampled_mious(overlaps_of(np.stack([ours, theirs])), times_drawn(drawn, IMAGES))
    return (mious[0] - mious[1]).mean(axis=0)


def comparison(ours: np.ndarray, theirs: np.ndarray) -> None:
    """The whole comparison: draws, differences, interval and p-value."""
    compare(resampled_side(ours, RESAMPLES), resampled_side(theirs, RESAMPLES))


def measure(quick: bool) -> Result:
    """Measure the whole comparison, and the resamples both ways."""
    ours, theirs = (drawn_counts(error, seed) for seed, error in enumerate(ERRORS))
    drawn = np.random.default_rng(0).integers(IMAGES, size=(500 if quick else 2000, IMAGES))
    np.testing.assert_allclose(vectorised(ours, theirs, drawn[:100]), naive(ours, theirs, drawn[:100]), rtol=1e-9)
    ways = {"vectorised": vectorised, "naive loop": naive}
    timings = alternately({name: partial(way, ours, theirs, drawn) for name, way in ways.items()}, rounds=3)
    whole = alternately({"": partial(comparison, ours, theirs)}, rounds=3 if quick else 10)[""]
    memory = peak_bytes(ours, theirs)

    table = figures_table(f"a resample of {IMAGES} images, {CLASSES} classes, {RUNS} seeds", "", "median", "times ours")
    for name, timing in timings.items():
        table.add_row(name, str(timing.per(len(drawn))), f"{ratio(timings, name, 'vectorised'):.1f}")
    line = f"a comparison with {RESAMPLES} resamples, with interval: {whole}, {format_bytes(memory)} beyond the counts"
    figures = {
        "seconds": whole.median,
        "naive_ratio": ratio(timings, "naive loop", "vectorised"),
        "peak_megabytes": memory / 1e6,
    }
    return Result([table, line], figures)


def peak_bytes(ours: np.ndarray, theirs: np.ndarray) -> int:
    """Peak memory of one comparison, in bytes."""
    tracemalloc.start()
    comparison(ours, theirs)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


if __name__ == "__main__":
    sys.exit(run("bootstrap", __doc__, measure))
