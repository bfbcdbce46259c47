"""The F-test with seeds as blocks: by hand, against the textbook's formulas, and its level and power by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from analysis.statistics.block_design import block_test, indicators


def test_two_treatments_are_the_paired_t_test() -> None:
    rng = np.random.default_rng(0)
    seeds = rng.normal(0, 5, 6)
    ours, theirs = 31 + seeds + rng.normal(0, 0.3, 6), 30.6 + seeds + rng.normal(0, 0.3, 6)
    found = block_test(np.concatenate([ours, theirs]), indicators(["ours"] * 6 + ["theirs"] * 6), [*range(6)] * 2)
    expected = stats.ttest_rel(ours, theirs)
    assert found.p_value == pytest.approx(expected.pvalue)  # pyright: ignore[reportAttributeAccessIssue]
    assert found.noise is not None
    assert found.noise.freedom == 5
    assert found.noise.std == pytest.approx(np.std(ours - theirs, ddof=1) / math.sqrt(2))


def test_a_complete_design_has_the_mean_squares_of_the_textbook() -> None:
    rng = np.random.default_rng(1)
    table = 30 + rng.normal(0, 3, 5)[:, None] + np.array([0, 0.2, 0.5, 1.0]) + rng.normal(0, 0.4, (5, 4))
    blocks, treatments = (sides.ravel().tolist() for sides in np.indices(table.shape))
    found = block_test(table.ravel(), indicators(treatments), blocks)
    of_treatments = 5 * ((table.mean(axis=0) - table.mean()) ** 2).sum() / 3
    left = table - table.mean(axis=0) - table.mean(axis=1)[:, None] + table.mean()
    assert found.p_value == pytest.approx(stats.f.sf(of_treatments / ((left**2).sum() / 12), 3, 12))


def test_in_one_block_it_is_the_f_test_of_a_regression() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=12)
    values = 30 + x + rng.normal(size=12)
    expected = stats.pearsonr(x, values)
    found = block_test(values, x[:, None], [0] * 12)
    assert found.p_value == pytest.approx(expected.pvalue)  # pyright: ignore[reportAttributeAccessIssue]


def test_a_missing_trial_costs_a_degree_of_freedom_and_no_block() -> None:
    values = np.array([30.0, 31.0, 32.5, 40.0, 41.2, 42.1, 35.0, 36.1])
    found = block_test(values, indicators([*"abcabcab"]), [0, 0, 0, 1, 1, 1, 2, 2])
    assert found.noise is not None
    assert found.noise.freedom == 3
    assert found.p_value < 0.01


@pytest.mark.parametrize(
    ("values", "treatments", "blocks"),
    [
        ([1.0, 2.0], "ab", [0, 0]),
        ([1.0, 2.0, 3.0, 4.0], "aaaa", [0, 0, 1, 1]),
        ([3.0] * 6, "abcabc", [0, 0, 0, 1, 1, 1]),
    ],
    ids=["nothing is left", "one treatment", "no noise"],
)
def test_where_nothing_can_be_tested_there_is_no_p(values: list[float], treatments: str, blocks: list[int]) -> None:
    assert math.isnan(block_test(np.array(values), indicators([*treatments]), blocks).p_value)


def rejected(effect: float, runs: int = 2000) -> float:
    """Share of searches of 12 trials under one seed that are found to depend on a hyperparameter.

    Seeds differ by 1.5 points, trials of one seed by 0.3.
    """
    rng, found = np.random.default_rng(0), []
    for _ in range(runs):
        x = rng.uniform(-1, 1, 12)
        mious = 30 + rng.normal(0, 1.5) + effect * (x / 2 - x**2) + rng.normal(0, 0.3, 12)
        found.append(block_test(mious, np.stack([x, x**2], axis=1), [0] * 12).p_value < 0.05)
    return float(np.mean(found))


@pytest.mark.slow
def test_a_dependence_that_seeds_would_hide_is_found_and_none_that_is_not_there() -> None:
    """A test against the variance between seeds rejects about 10% of these, and none without a dependence."""
    assert rejected(effect=2.0) > 0.98
    assert rejected(effect=0.0) == pytest.approx(0.05, abs=0.015)


@pytest.mark.slow
def test_levels_of_a_factor_are_tested_at_their_level_whatever_seeds_do() -> None:
    rng, levels = np.random.default_rng(0), indicators([0, 1, 2, 3] * 3)
    seeds = np.repeat(np.arange(3), 4).tolist()
    nothing, dependence = np.zeros(4), np.array([0, 0.4, 0.8, 1.2])
    shares = []
    for effect in (nothing, dependence):
        tables = [effect + rng.normal(0, 2, (3, 1)) + rng.normal(0, 0.2, (3, 4)) for _ in range(2000)]
        shares.append(np.mean([block_test(table.ravel(), levels, seeds).p_value < 0.05 for table in tables]))
    assert shares[0] == pytest.approx(0.05, abs=0.015)
    assert shares[1] > 0.98
