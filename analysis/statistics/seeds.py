"""What seeds say: means with intervals, differences paired by seed, and how many seeds a difference would take."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

LEVEL = 0.95
"""Coverage of intervals."""
POWER = 0.8
MOST_SEEDS = 1000
"""More are not asked for: such a difference is none to a reader of tables."""


@dataclass(frozen=True)
class Mean:
    """Mean over seeds with sample standard deviation and the half-width of its 95% interval (t distribution).

    The deviation and the half-width of a single seed are NaN.
    """

    mean: float
    std: float
    half_width: float
    n: int


@dataclass(frozen=True)
class Difference:
    """Differences paired by seed.

    Attributes:
        mean: of ours minus theirs.
        half_width: of its 95% interval (paired t); NaN for one seed.
        p_value: of the paired t-test, two-sided; NaN for one seed.
        effect: mean over standard deviation of the differences (Cohen's d_z); infinite where all are the same.
        seeds: those that both sides have, in order.
    """

    mean: float
    half_width: float
    p_value: float
    effect: float
    seeds: tuple[int, ...]


def mean_over_seeds(values: Sequence[float]) -> Mean:
    """Raises ValueError where there are none."""
    if not values:
        raise ValueError("no seeds")
    array = np.asarray(values, np.float64)
    std = float(array.std(ddof=1)) if len(array) > 1 else math.nan
    return Mean(float(array.mean()), std, _half_width(std, len(array)), len(array))


def paired_difference(ours: Mapping[int, float], theirs: Mapping[int, float]) -> Difference | None:
    """Ours minus theirs over the seeds of both; None where they share no seed."""
    seeds = tuple(sorted(ours.keys() & theirs.keys()))
    if not seeds:
        return None
    differences = [ours[seed] - theirs[seed] for seed in seeds]
    found = mean_over_seeds(differences)
    if found.n > 1 and found.std == 0:  # no spread, of which scipy would make NaN
        always = found.mean != 0
        effect = math.copysign(math.inf, found.mean) if always else 0.0
        return Difference(found.mean, 0.0, 0.0 if always else 1.0, effect, seeds)
    p_value = float(stats.ttest_1samp(differences, 0).pvalue) if found.n > 1 else math.nan  # pyright: ignore
    return Difference(found.mean, found.half_width, p_value, found.mean / found.std, seeds)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for being several (Holm, 1979), in their order; NaN stays NaN and does not count."""
    corrected = [math.nan] * len(p_values)
    tested = sorted((p, index) for index, p in enumerate(p_values) if not math.isnan(p))
    largest = 0.0
    for rank, (p, index) in enumerate(tested):
        largest = max(largest, min(1.0, (len(tested) - rank) * p))
        corrected[index] = largest
    return corrected


def seeds_to_separate(effect: float, level: float = LEVEL, power: float = POWER) -> int | None:
    """How many seeds a paired t-test needs to find an effect of this size (d_z) with this power.

    None where more than `MOST_SEEDS` would be needed. The power is that of the noncentral t distribution.
    """
    if math.isnan(effect):
        return None
    if math.isinf(effect):
        return 2
    counts = np.arange(2, MOST_SEEDS + 1)
    critical = stats.t.ppf(0.5 + level / 2, counts - 1)
    reached = stats.nct.sf(critical, counts - 1, abs(effect) * np.sqrt(counts)) >= power
    return int(counts[reached.argmax()]) if reached.any() else None


def _half_width(std: float, n: int) -> float:
    return float(stats.t.ppf(0.5 + LEVEL / 2, n - 1) * std / math.sqrt(n)) if n > 1 else math.nan
