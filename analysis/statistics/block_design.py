"""The F-test of a randomized block design: what chance does inside a block is what a difference is compared with.

Trials of one seed start from the same weights and see the same images, so a seed moves all of them together. In a
comparison of trials seeds are therefore blocks (Fisher, The Design of Experiments, 1935): their effects are taken out
first, and the rest is noise.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

NO_VARIANCE = 1e-24
"""Share of the mean square of values below which a variance is that of rounding."""


@dataclass(frozen=True)
class Noise:
    """What chance does to a trial beyond what its seed does to all trials.

    Attributes:
        std: standard deviation in points.
        freedom: degrees of freedom that it is known with.
    """

    std: float
    freedom: int


@dataclass(frozen=True)
class BlockTest:
    """Whether values differ by more than their block and chance; `p_value` is NaN where too little is known."""

    p_value: float
    noise: Noise | None


def block_test(values: np.ndarray, terms: np.ndarray, blocks: Sequence[Hashable]) -> BlockTest:
    """F-test of the model value = block + terms + noise against value = block + noise, by least squares.

    If the terms are treatments (see `indicators`) and each of them is in each block, this is the F-test of a
    randomized complete block design, with (treatments - 1) and (treatments - 1)(blocks - 1) degrees of freedom.

    Args:
        values: (n,).
        terms: (n, terms); what the blocks or other terms already say counts once.
        blocks: block of each value.
    """
    of_blocks = indicators(blocks)
    without, freedom_without = _remainder(of_blocks, values)
    remainder, freedom = _remainder(np.hstack([of_blocks, terms]), values)
    tested = freedom_without - freedom
    if freedom < 1:
        return BlockTest(math.nan, None)
    variance = remainder / freedom
    noise = Noise(math.sqrt(variance), freedom)
    if tested < 1 or variance <= NO_VARIANCE * float(np.mean(values**2)):
        return BlockTest(math.nan, noise)
    return BlockTest(float(stats.f.sf((without - remainder) / tested / variance, tested, freedom)), noise)


def indicators(labels: Sequence[Hashable]) -> np.ndarray:
    """A column (n,) of zeros and ones for each distinct label, in the order of their first appearance."""
    distinct = list(dict.fromkeys(labels))
    return np.array([[label == one for one in distinct] for label in labels], np.float64)


def _remainder(columns: np.ndarray, values: np.ndarray) -> tuple[float, int]:
    """Sum of squares that columns leave of values, and its degrees of freedom."""
    solution, _, rank, _ = np.linalg.lstsq(columns, values, rcond=None)
    left = values - columns @ solution
    return float(left @ left), len(values) - int(rank)
