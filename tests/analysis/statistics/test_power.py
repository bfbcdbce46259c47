from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize, stats

from analysis.statistics.power import Design, MoreSeeds, more_seeds, resolution, upper_sd
from analysis.statistics.verdict import Runs, Verdict, judge


def design(methods: int, units: int = 0) -> Design:
    cells = [str(cell) for cell in range(methods + 1)]
    return Design(tuple((cell, "0") for cell in cells[1:]), tuple((cell, 5) for cell in cells), units)


def drawn(seeds: int, sd: float, gains: tuple[float, ...], number: int = 0) -> Runs:
    rng = np.random.default_rng(number)
    return Runs(
        {
            str(cell): {seed: gain + sd / 2**0.5 * rng.normal() for seed in range(seeds)}
            for cell, gain in enumerate(gains)
        },
        {str(cell): 5 for cell in range(len(gains))},
    )


@pytest.mark.parametrize("seeds", [5, 10])
def test_one_comparison_resolves_what_the_paired_t_test_does(seeds: int) -> None:
    critical = stats.t.isf(0.025, seeds - 1)
    exact = optimize.brentq(lambda gain: stats.nct.sf(critical, seeds - 1, gain * seeds**0.5) - 0.8, 0.1, 20)
    assert resolution(design(1), seeds).gain == pytest.approx(exact, rel=0.1)


def test_four_of_five_studies_find_the_gain_that_is_promised() -> None:
    gain = resolution(design(3), 5, sd=0.8).gain
    found = [
        one.verdict is Verdict.BETTER
        for number in range(150)
        for one in judge(drawn(5, 0.8, (0, gain, gain, gain), 1000 + number), design(3).pairs)
    ]
    assert np.mean(found) == pytest.approx(0.8, abs=0.08)


def test_what_is_resolved_grows_with_the_deviation_and_shrinks_with_seeds() -> None:
    one, twice = resolution(design(2), 4), resolution(design(2), 4, sd=2)
    assert (twice.gain, twice.margin) == pytest.approx((2 * one.gain, 2 * one.margin))
    assert resolution(design(2), 8).gain < one.gain < one.margin
    assert resolution(design(2), 1).gain == math.inf and resolution(design(2), 4, sd=0).gain == 0


def test_images_set_a_limit_that_seeds_do_not_move() -> None:
    with_images = design(2, units=40)
    assert resolution(with_images, 60, image_sd=0.5).gain > 1 > resolution(with_images, 60).gain


def test_more_seeds_are_asked_for_at_the_difference_of_interest_not_at_the_observed_one() -> None:
    runs = drawn(4, 1.2, (0, 0, 0), 1)
    moved = Runs({**runs.mious, "1": {seed: miou + 0.3 for seed, miou in runs.mious["1"].items()}}, runs.budgets)
    answers = []
    for one in (runs, moved):
        found = judge(one, design(2).pairs)
        assert found[0].verdict is Verdict.UNDECIDED, found[0]
        answers.append(more_seeds(found, design(2))["1", "0"])
    assert answers[0] == answers[1]
    assert answers[0].to_find is not None and answers[0].to_rule_out is not None
    assert 0 < answers[0].to_find <= answers[0].to_rule_out


def test_decided_and_unjudged_comparisons_ask_for_nothing() -> None:
    assert more_seeds(judge(drawn(6, 0.1, (0, 5)), design(1).pairs), design(1)) == {}
    assert more_seeds(judge(drawn(1, 0.1, (0, 5)), design(1).pairs), design(1)) == {}


def test_what_a_hundred_seeds_would_not_decide_is_not_promised() -> None:
    found = judge(drawn(3, 30.0, (0, 0)), design(1).pairs)
    assert more_seeds(found, design(1)) == {("1", "0"): MoreSeeds(None, None)}


def test_a_deviation_is_planned_with_that_is_exceeded_in_one_study_of_five() -> None:
    found = np.random.default_rng(0).normal(size=(4000, 6)).std(axis=1, ddof=1)
    assert np.mean([upper_sd(sd, 5) < 1 for sd in found]) == pytest.approx(0.2, abs=0.02)
