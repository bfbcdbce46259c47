from __future__ import annotations

import numpy as np
import pytest

from analysis.statistics.looks import Looks
from analysis.statistics.sequential import Named, Progress, Stopped, chance_of_verdict, follow
from analysis.statistics.verdict import Runs, Verdict, judge

LOOKS = Looks(3, 8)
SEEDS = range(8)


def drawn(means: dict[str, float], number: int = 0, sd: float = 0.7) -> Runs:
    rng = np.random.default_rng(number)
    return Runs({cell: {seed: mean + sd * rng.standard_normal() for seed in SEEDS} for cell, mean in means.items()})


def ended(runs: Runs, seeds: int = 8) -> dict[str, set[int]]:
    return {cell: set(range(seeds)) for cell in runs.mious}


def until_the_end(runs: Runs, named: list[Named], looks: Looks = LOOKS, margin: float = 1.0) -> Progress:
    return follow(runs, named, looks, SEEDS, ended(runs), margin)


def test_a_clear_gain_stops_early_and_says_after_how_many_seeds() -> None:
    runs = drawn({"joint": 40.0, "ga": 55.0, "csa": 40.0})
    found = until_the_end(runs, [Named("ga", "joint", None), Named("csa", "joint", None)]).followed
    clear, null = found["ga", "joint"], found["csa", "joint"]
    assert (clear.stopped, clear.comparison.verdict, clear.comparison.looked) == (Stopped.DECIDED, Verdict.BETTER, 3)
    assert clear.comparison.seeds == (0, 1, 2)
    assert null.comparison.looked is not None and null.comparison.looked > 3


def test_an_interval_is_that_of_its_look_with_its_level() -> None:
    runs = drawn({"joint": 40.0, "ga": 55.0})
    found = until_the_end(runs, [Named("ga", "joint", None)]).followed["ga", "joint"].comparison
    assert found.looked is not None
    first = Runs({cell: {seed: of[seed] for seed in range(found.looked)} for cell, of in runs.mious.items()})
    fixed, looked = (judge(first, [("ga", "joint")], look=look)[0] for look in (None, LOOKS.at(found.looked)))
    assert looked == found
    assert found.low < fixed.low and found.high > fixed.high and found.p > fixed.p, "looks are paid for"


def test_interval_p_and_verdict_of_a_look_never_contradict_each_other() -> None:
    for number in range(40):
        runs = drawn({"0": 40.0, "1": 41.0, "2": 39.2, "3": 40.1}, number)
        for seeds in LOOKS.seeds:
            first = Runs({cell: {seed: of[seed] for seed in range(seeds)} for cell, of in runs.mious.items()})
            for one in judge(first, [("1", "0"), ("2", "0"), ("3", "0")], look=LOOKS.at(seeds)):
                assert (one.low > 0 or one.high < 0) == (one.p <= 0.05)


def test_only_cells_of_open_comparisons_want_another_seed() -> None:
    runs = drawn({"joint": 40.0, "ga": 55.0, "csa": 41.0, "alone": 0.0})
    named = [Named("ga", "joint", None), Named("csa", "joint", None)]
    assert follow(runs, named, LOOKS, SEEDS, ended(runs, 2)).wanted == {"ga": 3, "joint": 3, "csa": 3}
    found = follow(runs, named, LOOKS, SEEDS, ended(runs, 3))
    assert found.wanted == {"csa": 4, "joint": 4}
    assert found.followed["csa", "joint"].stopped is None


def test_later_runs_change_nothing_of_looks_that_were_taken() -> None:
    runs = drawn({"joint": 40.0, "ga": 55.0, "csa": 41.0})
    named = [Named("ga", "joint", None), Named("csa", "joint", None)]
    early, late = (follow(runs, named, LOOKS, SEEDS, ended(runs, seeds)).followed["ga", "joint"] for seeds in (3, 8))
    assert early == late


def test_before_the_first_look_is_complete_nothing_is_judged() -> None:
    runs = drawn({"joint": 40.0, "ga": 55.0})
    found = follow(runs, [Named("ga", "joint", None)], LOOKS, SEEDS, ended(runs, 2)).followed["ga", "joint"]
    assert (found.stopped, found.comparison.looked) == (None, 0)
    assert found.comparison.verdict is Verdict.UNDECIDED
    assert found.comparison.why_not_judged == "before its first look"
    assert found.comparison.gain == pytest.approx(15, abs=2)


def test_a_run_that_ended_without_a_result_is_not_waited_for() -> None:
    runs = drawn({"joint": 40.0, "ga": 55.0})
    failed = Runs({"joint": runs.mious["joint"], "ga": {seed: v for seed, v in runs.mious["ga"].items() if seed != 1}})
    found = follow(failed, [Named("ga", "joint", None)], LOOKS, SEEDS, ended(failed, 3))
    assert found.followed["ga", "joint"].comparison.seeds == (0, 2)
    assert found.followed["ga", "joint"].comparison.looked == 3


def test_a_cell_that_never_got_a_configuration_is_not_waited_for() -> None:
    runs = drawn({"joint": 40.0, "ga": 55.0, "csa": 50.0})
    named = [Named("ga", "joint", None), Named("csa", "joint", None)]
    without = Runs({cell: of for cell, of in runs.mious.items() if cell != "csa"})
    found = follow(without, named, LOOKS, SEEDS, ended(without))
    assert found.wanted == {}
    assert found.followed["ga", "joint"].stopped is Stopped.DECIDED
    assert found.followed["csa", "joint"].comparison.looked == 0


def test_a_control_is_pursued_only_while_there_may_be_a_gain() -> None:
    named = [Named("csa", "joint", "frozen")]
    worse = follow(runs := drawn({"joint": 40.0, "csa": 25.0, "frozen": 25.5}), named, LOOKS, SEEDS, ended(runs))
    assert worse.followed["csa", "joint"].comparison.verdict is Verdict.WORSE
    assert worse.followed["csa", "frozen"].stopped is Stopped.NOT_NEEDED
    better = follow(runs := drawn({"joint": 25.0, "csa": 40.0, "frozen": 39.0}), named, LOOKS, SEEDS, ended(runs, 3))
    assert better.followed["csa", "joint"].comparison.verdict is Verdict.BETTER
    assert better.wanted == {"csa": 4, "frozen": 4}


def test_what_no_seed_can_decide_any_more_is_given_up() -> None:
    """A gain of half the margin with a large variance is found neither better nor equivalent with 8 seeds."""
    runs = drawn({"joint": 40.0, "ga": 40.5, "csa": 40.5, "gfa": 40.5}, number=3, sd=2.0)
    named = [Named(cell, "joint", None) for cell in ("ga", "csa", "gfa")]
    found = until_the_end(runs, named).followed
    hopeless = [one for one in found.values() if one.stopped is Stopped.HOPELESS]
    assert hopeless and all(one.comparison.verdict is Verdict.UNDECIDED for one in hopeless)
    assert all((one.comparison.looked or 0) < 8 for one in hopeless)


def test_the_chance_of_a_verdict_is_about_how_often_one_comes() -> None:
    """Predicted at 4 seeds without knowing the gain; the gains that are drawn are as flat as the prior."""
    rng, looks = np.random.default_rng(0), Looks(3, 8)
    predicted, came = [], []
    for _ in range(250):
        gain = rng.uniform(-3, 3)
        runs = drawn({"0": 40.0, "1": 40 + gain, "2": 40.0, "3": 40.0}, int(rng.integers(2**31)))
        pairs = [(str(cell), "0") for cell in (1, 2, 3)]
        of_looks = [
            judge(Runs({c: {s: of[s] for s in range(n)} for c, of in runs.mious.items()}), pairs, look=looks.at(n))[0]
            for n in (4, 8)
        ]
        if of_looks[0].verdict is Verdict.UNDECIDED:
            predicted.append(chance_of_verdict(of_looks[0], looks.at(4)))
            came.append(of_looks[1].verdict is not Verdict.UNDECIDED)
    assert len(came) > 80
    assert np.mean(predicted) == pytest.approx(float(np.mean(came)), abs=0.1)
