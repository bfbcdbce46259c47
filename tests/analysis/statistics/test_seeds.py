from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from analysis.statistics.seeds import holm, mean_over_seeds, paired_difference, seeds_to_separate

OURS = {0: 40.1, 1: 41.3, 2: 39.8, 7: 55.0}
THEIRS = {0: 39.0, 1: 40.9, 2: 38.2, 5: 10.0}


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


def test_a_difference_is_that_of_scipys_paired_test_on_the_seeds_of_both() -> None:
    found = paired_difference(OURS, THEIRS)
    assert found is not None and found.seeds == (0, 1, 2)
    test = stats.ttest_rel([OURS[s] for s in found.seeds], [THEIRS[s] for s in found.seeds])
    interval = test.confidence_interval()
    assert found.p_value == pytest.approx(test.pvalue)
    assert (found.mean - found.half_width, found.mean + found.half_width) == pytest.approx(tuple(interval))


def test_what_shares_no_seed_has_no_difference_and_one_seed_no_interval() -> None:
    assert paired_difference({0: 1.0}, {1: 1.0}) is None
    found = paired_difference({0: 2.0}, {0: 1.5})
    assert found is not None and found.mean == 0.5 and math.isnan(found.half_width) and math.isnan(found.p_value)


def test_differences_without_spread_are_certain() -> None:
    none, some = paired_difference({0: 1, 1: 2}, {0: 1, 1: 2}), paired_difference({0: 1, 1: 2}, {0: 2, 1: 3})
    assert none is not None and (none.mean, none.half_width, none.p_value, none.effect) == (0, 0, 1, 0)
    assert some is not None and (some.mean, some.half_width, some.p_value, some.effect) == (-1, 0, 0, -math.inf)


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


def test_as_many_seeds_as_needed_find_the_effect_in_four_of_five_studies() -> None:
    seeds = seeds_to_separate(1.2)
    assert seeds is not None
    rng = np.random.default_rng(0)
    power = {}
    for n in (seeds - 1, seeds):
        drawn = rng.normal(1.2, 1, (20_000, n))
        t = drawn.mean(1) / stats.sem(drawn, axis=1)
        power[n] = (abs(t) > stats.t.ppf(0.975, n - 1)).mean()
    assert power[seeds - 1] < 0.8 <= power[seeds] + 0.01


def test_no_number_of_seeds_separates_what_is_alike() -> None:
    assert seeds_to_separate(0.0) is None
    assert seeds_to_separate(math.nan) is None
    assert seeds_to_separate(math.inf) == 2
    assert seeds_to_separate(-1.2) == seeds_to_separate(1.2)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 5])
def test_intervals_cover_the_true_difference_as_often_as_they_say(seeds: int) -> None:
    rng, studies, covered = np.random.default_rng(0), 4000, 0
    for _ in range(studies):
        common = rng.normal(40, 1, seeds)  # what a seed does to both
        ours, theirs = common + 0.7 + rng.normal(0, 0.5, seeds), common + rng.normal(0, 0.5, seeds)
        found = paired_difference(dict(enumerate(ours)), dict(enumerate(theirs)))
        assert found is not None
        covered += abs(found.mean - 0.7) <= found.half_width
    assert 0.93 <= covered / studies <= 0.97
