from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from analysis.statistics.verdict import ALPHA, Comparison, Runs, Verdict, judge

BASELINE = {0: 40.0, 1: 41.0, 2: 42.5}
METHOD = {0: 42.0, 1: 44.0, 2: 44.3}


def drawn(cells: int, seeds: int, number: int = 0, units: int = 0) -> Runs:
    rng = np.random.default_rng(number)
    mious = {str(cell): {seed: float(40 + rng.normal()) for seed in range(seeds)} for cell in range(cells)}
    pulls = {cell: {seed: rng.normal(size=units) for seed in range(seeds)} for cell in mious} if units else {}
    return Runs(mious, pulls=pulls)


def against_the_first(cells: int) -> list[tuple[str, str]]:
    return [(str(cell), "0") for cell in range(1, cells)]


def moved(runs: Runs, cell: str, by: float) -> Runs:
    return replace(runs, mious={**runs.mious, cell: {seed: miou + by for seed, miou in runs.mious[cell].items()}})


def test_two_cells_alone_are_the_paired_t_test() -> None:
    (found,) = judge(Runs({"joint": BASELINE, "ga": METHOD}), [("ga", "joint")])
    test = stats.ttest_rel(list(METHOD.values()), list(BASELINE.values()))
    assert (found.low, found.high) == pytest.approx(tuple(test.confidence_interval()))
    assert found.p == pytest.approx(test.pvalue) and found.df == pytest.approx(2)
    assert (found.seeds, found.verdict, found.image_variance) == ((0, 1, 2), Verdict.BETTER, None)


def test_swapped_sides_have_the_opposite_interval_and_verdict() -> None:
    runs = Runs({"joint": BASELINE, "ga": METHOD})
    (there,), (back,) = judge(runs, [("ga", "joint")]), judge(runs, [("joint", "ga")])
    assert (back.low, back.high, back.p) == pytest.approx((-there.high, -there.low, there.p))
    assert back.verdict is Verdict.WORSE


def test_seeds_are_paired_and_those_of_one_side_alone_do_not_count() -> None:
    runs = Runs({"joint": {**BASELINE, 8: 90.0}, "ga": {**METHOD, 9: 1.0}})
    found, expected = (judge(one, [("ga", "joint")])[0] for one in (runs, Runs({"joint": BASELINE, "ga": METHOD})))
    assert found.seeds == expected.seeds
    assert (found.gain, found.low, found.p) == pytest.approx((expected.gain, expected.low, expected.p))


@pytest.mark.parametrize("units", [0, 20])
def test_interval_p_and_verdict_never_contradict_each_other(units: int) -> None:
    decided = 0
    for number in range(150):
        runs = drawn(5, 4, number, units)
        for cell in range(1, 5):
            runs = moved(runs, str(cell), (cell - 2) * 1.3)
        for one in judge(runs, against_the_first(5), margin=2.0):
            excludes = one.low > 0 or one.high < 0
            decided += excludes
            assert excludes == (one.p <= ALPHA) == (one.verdict in (Verdict.BETTER, Verdict.WORSE))
            assert (one.verdict is Verdict.EQUIVALENT) == (not excludes and one.low > -2 and one.high < 2)
            assert (one.verdict is Verdict.BETTER) == (one.low > 0) and one.low < one.gain < one.high
    assert decided > 30


def test_what_a_cell_gains_moves_its_interval_and_no_other() -> None:
    """The simulation judges a study once for all truths, and leans on this."""
    runs = drawn(5, 3, units=12)
    before, after = judge(runs, against_the_first(5)), judge(moved(runs, "2", 1.5), against_the_first(5))
    for one, other in zip(before, after, strict=True):
        by = 1.5 if one.ours == "2" else 0.0
        assert (other.low, other.high) == pytest.approx((one.low + by, one.high + by))


def test_other_cells_lend_their_degrees_of_freedom() -> None:
    alone = judge(drawn(2, 3), against_the_first(2))[0]
    among = judge(Runs(drawn(9, 3).mious), [("1", "0")])[0]
    assert alone.df == pytest.approx(2) and among.df == pytest.approx(16)


def test_more_comparisons_make_intervals_wider_and_exploratory_ones_do_not() -> None:
    runs = drawn(7, 10)
    one, all_six = judge(runs, [("1", "0")])[0], judge(runs, against_the_first(7))[0]
    assert one.high - one.low < all_six.high - all_six.low
    explored = judge(runs, [("1", "0")], against_the_first(7)[1:])
    assert explored[0] == one and len(explored) == 6


def test_exploratory_comparisons_have_an_interval_and_no_verdict() -> None:
    primary, other = judge(drawn(3, 4), [("1", "0")], [("2", "1")])
    assert primary.primary and primary.verdict is not None
    assert not other.primary and other.verdict is None and math.isnan(other.p) and other.low < other.gain < other.high


def test_images_widen_the_interval_by_what_they_do_to_all_seeds() -> None:
    rng = np.random.default_rng(0)
    common = {cell: rng.normal(size=50) for cell in ("0", "1")}
    runs = drawn(2, 5)
    pulls = {cell: dict.fromkeys(range(5), common[cell] - common[cell].mean()) for cell in common}
    plain, found = (judge(one, [("1", "0")])[0] for one in (runs, replace(runs, pulls=pulls)))
    assert found.image_variance == pytest.approx(np.var(common["1"] - common["0"], ddof=1) / 50)
    assert found.seed_variance == plain.seed_variance and found.gain == plain.gain
    parts = np.array([found.seed_variance, found.image_variance])
    df = parts.sum() ** 2 / (parts**2 / [4, 49]).sum()
    assert found.df == pytest.approx(df)
    assert (found.high - found.low) / 2 == pytest.approx(stats.t.isf(0.025, df) * math.sqrt(parts.sum()))


def test_what_images_do_to_single_seeds_makes_the_variance_over_images_less_certain() -> None:
    """Satterthwaite's degrees of freedom of a sum of mean squares, of which one is subtracted."""
    rng = np.random.default_rng(2)
    of_runs = 2 * rng.normal(size=(2, 1, 8)) + 3 * rng.normal(size=(2, 5, 8))
    pulls = {str(cell): dict(enumerate(one)) for cell, one in enumerate(of_runs)}
    found = judge(replace(drawn(2, 5), pulls=pulls), [("1", "0")])[0]
    assert found.image_variance is not None and found.image_variance > 0
    between = np.var((of_runs[1] - of_runs[0]).mean(axis=0), ddof=1) / 8
    within = between - found.image_variance
    total = found.seed_variance + found.image_variance
    assert found.df == pytest.approx(total**2 / (found.seed_variance**2 / 4 + between**2 / 7 + within**2 / 28))


def test_a_variance_over_images_that_was_taken_for_zero_is_still_uncertain() -> None:
    rng = np.random.default_rng(4)
    own = 3 * rng.normal(size=(2, 5, 8))
    own -= 0.9 * own.mean(axis=1, keepdims=True)
    pulls = {str(cell): dict(enumerate(one)) for cell, one in enumerate(own)}
    plain, found = (judge(replace(drawn(2, 5), pulls=one), [("1", "0")])[0] for one in ({}, pulls))
    assert found.image_variance == 0 and found.seed_variance == plain.seed_variance
    assert found.df < plain.df and found.high - found.low > plain.high - plain.low


def test_intervals_are_not_endless_where_seeds_agree_by_chance() -> None:
    rng = np.random.default_rng(4)
    own = 9 * rng.normal(size=(2, 3, 8))
    own -= 0.9 * own.mean(axis=1, keepdims=True)
    runs = Runs({"0": dict(enumerate([40.0, 41.0, 42.0])), "1": dict(enumerate([41.0, 42.1, 43.0]))})
    pulls = {str(cell): dict(enumerate(one)) for cell, one in enumerate(own)}
    found = judge(replace(runs, pulls=pulls), [("1", "0")])[0]
    assert found.image_variance == 0 and found.df == 2 and found.verdict is Verdict.BETTER


def test_comparisons_with_variances_over_images_of_their_own_have_less_in_common() -> None:
    """Three budgets share the variance over seeds; where images outweigh it, each has a denominator of its own."""
    runs = replace(drawn(6, 4, 1), budgets={str(cell): cell // 2 for cell in range(6)})
    pairs = [("1", "0"), ("3", "2"), ("5", "4")]
    uncorrelated = dict(zip("135", np.array([[1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]), strict=True))
    pulls = {cell: dict.fromkeys(range(4), 10.0 * uncorrelated.get(cell, np.zeros(4))) for cell in runs.mious}
    with_images = replace(runs, pulls=pulls)
    for found, apart in ((judge(with_images, pairs), True), (judge(runs, pairs), False)):
        deviation = math.sqrt(found[0].seed_variance + (found[0].image_variance or 0.0))
        for times in (2, 3, 4):
            one = judge(moved(with_images if apart else runs, "1", times * deviation - found[0].gain), pairs)[0]
            as_independent = 1 - (1 - _own_p(one)) ** 3
            assert (one.p > 0.98 * as_independent) == apart, (one.p, as_independent)


def _own_p(one: Comparison) -> float:
    total = one.seed_variance + (one.image_variance or 0.0)
    return float(2 * stats.t.sf(abs(one.gain) / math.sqrt(total), one.df))


def test_a_run_without_counts_leaves_its_comparisons_to_seeds() -> None:
    runs = drawn(3, 4, units=10)
    del runs.pulls["2"][3]  # pyright: ignore
    with_images, without = judge(runs, against_the_first(3))
    assert with_images.image_variance is not None and without.image_variance is None


def test_one_seed_is_not_judged_and_says_why() -> None:
    runs = Runs({"joint": BASELINE, "ga": METHOD, "ga+csa": {1: 44.0}, "oracle": {7: 60.0}})
    ga, csa, oracle = judge(runs, [("ga", "joint"), ("ga+csa", "joint"), ("oracle", "joint")])
    assert (csa.verdict, csa.why_not_judged, csa.gain) == (Verdict.UNDECIDED, "one seed", 3.0)
    assert (oracle.verdict, oracle.why_not_judged) == (Verdict.UNDECIDED, "no seed in common")
    assert math.isnan(oracle.gain) and math.isnan(csa.p) and math.isnan(csa.low)
    assert ga.why_not_judged == "" and ga.verdict is not None


def test_a_study_of_one_seed_has_no_verdicts() -> None:
    found = judge(drawn(4, 1), against_the_first(4))
    assert {one.verdict for one in found} == {Verdict.UNDECIDED}
    assert {one.why_not_judged for one in found} == {"one seed"}


def test_runs_without_any_spread_are_certain() -> None:
    runs = Runs(
        {"0": dict.fromkeys(range(3), 40.0), "1": dict.fromkeys(range(3), 41.5), "2": dict.fromkeys(range(3), 40.0)}
    )
    better, same = judge(runs, against_the_first(3))
    assert (better.low, better.high, better.p, better.verdict) == (1.5, 1.5, 0.0, Verdict.BETTER)
    assert (same.low, same.high, same.p, same.verdict) == (0.0, 0.0, 1.0, Verdict.EQUIVALENT)


def test_cells_of_two_budgets_are_compared_by_their_own_pairs() -> None:
    runs = replace(drawn(4, 5), budgets={"0": 5, "1": 5, "2": 20, "3": 20})
    within, across = judge(runs, [("1", "0"), ("3", "0")])
    pairs = [runs.mious["3"][seed] - runs.mious["0"][seed] for seed in range(5)]
    assert across.seed_variance == pytest.approx(np.var(pairs, ddof=1) / 5) and across.df == pytest.approx(4)
    assert within.df > 4


def test_a_small_and_certain_gain_is_better_and_known_to_be_small() -> None:
    found = replace(judge(drawn(2, 3), [("1", "0")])[0], low=0.2, gain=0.4, high=0.6)
    assert found.verdict is Verdict.BETTER and found.within_margin


def test_the_order_of_comparisons_does_not_matter() -> None:
    runs, pairs = drawn(6, 3, 4, units=8), against_the_first(6)
    by_name: dict[str, Comparison] = {one.ours: one for one in judge(runs, pairs)}
    for one in judge(runs, pairs[::-1]):
        other = by_name[one.ours]
        assert (one.low, one.high) == pytest.approx((other.low, other.high), rel=2e-3)


def test_a_comparison_named_twice_or_other_units_are_refused() -> None:
    with pytest.raises(ValueError, match="named twice"):
        judge(drawn(2, 3), [("1", "0"), ("1", "0")])
    runs = drawn(2, 3, units=6)
    with pytest.raises(ValueError, match="different numbers of units"):
        judge(replace(runs, pulls={**runs.pulls, "1": {0: np.zeros(7)}}), [("1", "0")])


def test_one_seed_with_counts_has_gains_without_intervals() -> None:
    pulls = {cell: {0: np.array([0.5, -0.5, 0.0])} for cell in ("a", "b")}
    (found,) = judge(Runs({"a": {0: 31.0}, "b": {0: 30.0}}, pulls=pulls), [("a", "b")])
    assert (found.gain, found.why_not_judged, found.image_variance) == (1.0, "one seed", None)
