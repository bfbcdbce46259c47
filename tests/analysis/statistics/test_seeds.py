from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from analysis.statistics.seeds import holm, mean_over_seeds


def test_a_mean_has_the_interval_of_the_t_distribution() -> None:
    values = [40.1, 41.3, 39.8]
    found = mean_over_seeds(values)
    low, high = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
    assert (found.mean - found.half_width, found.mean + found.half_width) == pytest.approx((low, high))
    assert (found.std, found.n) == (pytest.approx(np.std(values, ddof=1)), 3)


def test_one_seed_has_a_mean_and_no_spread() -> None:
    found = mean_over_seeds([40.0])
    assert (found.mean, found.n) == (40.0, 1)
    assert math.isnan(found.std) and math.isnan(found.half_width)


def test_no_seeds_have_no_mean() -> None:
    with pytest.raises(ValueError, match="no seeds"):
        mean_over_seeds([])


def test_holm_equals_the_test_one_step_at_a_time() -> None:
    """At each level: hypotheses are rejected from the smallest p on, until one is not."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        p_values = list(rng.random(6) ** 3)
        corrected = holm(p_values)
        for level in (0.01, 0.05, 0.2, 0.5):
            rejected: set[int] = set()
            for rank, index in enumerate(np.argsort(p_values)):
                if p_values[index] > level / (6 - rank):
                    break
                rejected.add(int(index))
            assert {index for index, p in enumerate(corrected) if p <= level} == rejected


def test_holm_leaves_out_what_was_not_tested() -> None:
    corrected = holm([0.01, math.nan, 0.04])
    assert corrected[0] == pytest.approx(0.02) and math.isnan(corrected[1]) and corrected[2] == pytest.approx(0.04)
