"""What seeds say: means with their spread and interval; and p-values corrected for being several."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

LEVEL = 0.95
"""Coverage of intervals."""


@dataclass(frozen=True)
class Mean:
    """Mean over seeds with sample standard deviation and the half-width of its 95% interval (t distribution).

    The deviation and the half-width of a single seed are NaN.
    """

    mean: float
    std: float
    half_width: float
    n: int


def mean_over_seeds(values: Sequence[float]) -> Mean:
    """Raises ValueError where there are none."""
    if not values:
        raise ValueError("no seeds")
    array = np.asarray(values, np.float64)
    std = float(array.std(ddof=1)) if len(array) > 1 else math.nan
    return Mean(float(array.mean()), std, _half_width(std, len(array)), len(array))


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for being several (Holm, 1979), in their order; NaN stays NaN and does not count."""
    corrected = [math.nan] * len(p_values)
    tested = sorted((p, index) for index, p in enumerate(p_values) if not math.isnan(p))
    largest = 0.0
    for rank, (p, index) in enumerate(tested):
        largest = max(largest, min(1.0, (len(tested) - rank) * p))
        corrected[index] = largest
    return corrected


def _half_width(std: float, n: int) -> float:
    return float(stats.t.ppf(0.5 + LEVEL / 2, n - 1) * std / math.sqrt(n)) if n > 1 else math.nan
