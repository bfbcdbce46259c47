from __future__ import annotations

import math

import numpy as np
import pytest

from analysis.figures.learning_curves import learning_curves
from analysis.pruning import pruning, said_of
from tests.support.synthetic import Made, made_study

TUNE = {"lr": {"type": "uniform", "low": 0.0, "high": 1.0}}
LEVELS = {"adaptor": "ga", "labeled_images": 5}


def trial(number: int, at_50: float, at_100: float | None, seconds: float = 100.0) -> Made:
    curve = {25: at_50 - 5, 50: at_50} | ({} if at_100 is None else {100: at_100})
    outcome = "pruned" if at_100 is None else "finished"
    return Made(LEVELS, {"select/miou": curve}, {"lr": 0.1 * number}, number=number, outcome=outcome, seconds=seconds)


def study(*trials: Made):
    return made_study({"adaptor": ["ga"], "labeled_images": [5]}, TUNE, trials)


def test_what_pruning_saved_by_hand() -> None:
    made = study(
        trial(0, 36, 40),
        trial(1, 33, 39),
        trial(2, 31, 36),
        trial(3, 20, 30),
        trial(4, 34.5, None, seconds=60),
        trial(5, 28, None, seconds=30),
    )
    found = pruning(made)
    assert found is not None
    assert (found.pruned, found.tuning, found.iterations) == (2, 6, 100)
    assert found.share == pytest.approx(100 / 600)
    assert found.hours == pytest.approx((60 + 30) / 3600), "half of the training was left, at each trial's own pace"
    assert found.agreement == pytest.approx(1.0)
    assert [(cell.trials, cell.pruned) for cell in found.cells] == [(6, 2)]
    assert [(one.by, one.iteration, one.trials, one.iterations) for one in found.decisions] == [("none", 50, 2, 100)]
    assert sum(one.hours for one in found.decisions) == pytest.approx(found.hours)
    saved, risked, agreed = said_of(found)
    assert saved.startswith("2 of 6 tuning trials were pruned. That saved 100 iterations, 17% of")
    assert risked.startswith("Too few trials went on"), "four have finished"
    assert risked.endswith(
        "1 of 1 cell with a search had pruned trials; only there can another configuration have been lost."
    )
    assert "1.00" in agreed


def test_trials_that_were_behind_are_continued_as_those_that_are_behind_gain() -> None:
    """The further behind, the more a trial gains: from 28 to 36, where those that finished came to 35 at most.

    No finished trial gained the 7 points that the pruned one lacked.
    """
    finished = [trial(number, at, at + 5 - 1.5 * (at - 30)) for number, at in enumerate(np.linspace(30, 35, 24))]
    found = pruning(study(*finished, trial(24, 28.0, None), trial(25, 29.9, None)))
    assert found is not None
    assert found.lost == pytest.approx(2.0)
    assert "is 2.0. 1 of 1 cell with a search" in said_of(found)[1]
    behind = [trial(number, at, at + 5 - 0.5 * (at - 30)) for number, at in enumerate(np.linspace(30, 35, 24))]
    found = pruning(study(*behind, trial(24, 28.0, None)))
    assert found is not None
    assert found.lost == pytest.approx(0.0)


def test_where_the_order_changes_late_the_agreement_says_so() -> None:
    made = study(trial(0, 36, 40), trial(1, 33, 41), trial(2, 31, 42), trial(3, 20, None))
    found = pruning(made)
    assert found is not None
    assert found.agreement == pytest.approx(-1.0)


def test_two_finished_trials_have_no_agreement() -> None:
    found = pruning(study(trial(0, 36, 40), trial(1, 33, 41), trial(2, 20, None)))
    assert found is not None
    assert math.isnan(found.agreement)
    assert len(said_of(found)) == 2


def test_a_study_without_pruned_trials_saved_nothing() -> None:
    assert pruning(study(trial(0, 36, 40), trial(1, 33, 41))) is None


def test_pruned_curves_end_in_a_cross() -> None:
    figure = learning_curves(study(trial(0, 36, 40), trial(1, 33, None)))
    assert figure is not None
    (axes,) = figure.axes
    crosses = [line for line in axes.lines if line.get_marker() == "x"]
    (cross,) = crosses
    np.testing.assert_array_equal(cross.get_xydata(), [[50, 33]])
    assert axes.get_title() == "ga, 5 labels" or axes.get_title(loc="left") == "ga, 5 labels"
