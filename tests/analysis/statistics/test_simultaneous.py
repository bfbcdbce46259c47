from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from analysis.statistics.simultaneous import Correction, Together


def one_baseline(comparisons: int) -> np.ndarray:
    return np.full((comparisons, comparisons), 0.5) + 0.5 * np.eye(comparisons)


@pytest.mark.parametrize(
    ("comparisons", "df", "printed"),
    # two-sided 5% points of Dunnett (1964), table II
    [(2, 5, 3.03), (3, 5, 3.29), (2, 10, 2.57), (3, 10, 2.76), (5, 10, 2.99), (9, 10, 3.24), (9, 20, 2.95)],
)
def test_critical_values_are_those_of_dunnetts_table(comparisons: int, df: int, printed: float) -> None:
    level = Correction([Together(one_baseline(comparisons), df)]).level()
    assert stats.t.isf(level / 2, df) == pytest.approx(printed, abs=0.011)


def test_p_values_are_those_of_scipys_dunnett_test() -> None:
    rng = np.random.default_rng(3)
    baseline, *methods = (rng.normal(mean, 1, 6) for mean in (0, 0.4, 1.2, 2.0))
    reference = stats.dunnett(*methods, control=baseline, rng=np.random.default_rng(0))
    df = 4 * 5
    correction = Correction([Together(one_baseline(3), df)])
    for t, p in zip(reference.statistic, reference.pvalue, strict=True):
        assert correction.adjusted(float(2 * stats.t.sf(abs(t), df))) == pytest.approx(p, abs=0.003)


def test_one_comparison_is_not_corrected() -> None:
    correction = Correction([Together(np.eye(1), 2)])
    assert correction.level() == 0.05
    assert correction.adjusted(0.03) == 0.03


def test_comparisons_with_variances_of_their_own_are_corrected_as_independent_ones() -> None:
    correction = Correction([Together(np.eye(1), 2)] * 4)
    assert correction.level() == pytest.approx(1 - 0.95**0.25)
    assert correction.adjusted(0.01) == pytest.approx(1 - 0.99**4)


@pytest.mark.parametrize("df", [math.inf, math.nan])
def test_comparisons_that_share_no_variance_have_only_their_differences_correlated(df: float) -> None:
    assert Correction([Together(np.eye(6), df)]).level() == pytest.approx(1 - 0.95 ** (1 / 6), rel=0.03)
    # normal variables with one baseline, to one integral
    level = Correction([Together(one_baseline(3), df)]).level()
    assert stats.norm.isf(level / 2) == pytest.approx(2.34897, abs=0.005)


def test_twins_count_as_one_comparison() -> None:
    assert Correction([Together(np.ones((5, 5)), 20)]).level() == pytest.approx(0.05, rel=0.02)


def test_level_and_adjusted_p_agree_on_what_is_below_5_percent() -> None:
    rng = np.random.default_rng(0)
    for comparisons in (2, 4, 12):
        correlation = np.asarray(np.corrcoef(rng.normal(size=(comparisons, 30))))
        correction = Correction([Together(correlation, 7.5), Together(np.eye(1), 2)])
        level = correction.level()
        assert 0.05 / (comparisons + 1) <= level < 0.05
        assert correction.adjusted(level) <= 0.05 < correction.adjusted(level * (1 + 1e-6))


def test_adjusted_p_grows_with_p_and_is_never_smaller() -> None:
    correction = Correction([Together(one_baseline(6), 4)])
    p = np.geomspace(1e-8, 1, 60)
    adjusted = np.array([correction.adjusted(one) for one in p])
    assert (np.diff(adjusted) >= 0).all() and (adjusted >= p).all() and (adjusted <= np.minimum(6 * p, 1)).all()
    assert correction.adjusted(0.0) == 0 and correction.adjusted(1.0) == 1


def test_the_same_comparisons_have_the_same_level_every_time() -> None:
    correlation = np.asarray(np.corrcoef(np.random.default_rng(1).normal(size=(5, 9))))
    assert len({Correction([Together(correlation, 8)]).level() for _ in range(3)}) == 1
