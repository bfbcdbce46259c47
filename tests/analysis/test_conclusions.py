"""Sentences on comparisons: none says more than its verdict and that of its control."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from analysis.conclusions import conclusions, details, phrase, what_decides
from analysis.statistics.gains import Gain, Judged
from analysis.statistics.power import MoreSeeds
from analysis.statistics.verdict import Comparison
from tests.support.controlled import controlled

SURE = Comparison("a", "b", (0, 1, 2), 2.0, 0.5, 3.5, 0.01, 1.0, 8.0, 0.2, 8.0, None, True)
UNDECIDED = replace(SURE, theirs="c", gain=0.2, low=-1.2, high=1.6, p=0.9)
WORSE = replace(SURE, theirs="c", gain=-2.0, low=-3.5, high=-0.5)
SAME = replace(SURE, theirs="c", gain=0.1, low=-0.4, high=0.6, p=0.8)
ONE_SEED = replace(SURE, seeds=(0,), low=math.nan, high=math.nan, p=math.nan)


@pytest.mark.parametrize(
    ("gain", "said"),
    [
        (Gain(SURE), "better"),
        (Gain(SURE, SURE), "better, and better than its control (lr_sd=0)"),
        (Gain(SURE, UNDECIDED), "better, but not shown to be better than its control (lr_sd=0)"),
        (Gain(SURE, SAME), "better, but no better than its control (lr_sd=0) within 1 mIoU"),
        (Gain(SURE, WORSE), "better, but worse than its control (lr_sd=0)"),
        (Gain(replace(SURE, gain=0.5, low=0.2, high=0.8)), "better by less than 1 mIoU"),
        (Gain(WORSE, SURE), "worse"),
        (Gain(SAME, SURE), "equivalent within 1 mIoU"),
        (Gain(UNDECIDED), "undecided"),
        (Gain(ONE_SEED, ONE_SEED), "not judged (one seed)"),
    ],
)
def test_a_sentence_says_what_the_verdicts_say(gain: Gain, said: str) -> None:
    assert phrase(controlled(3.0, 0.0), gain) == said


def test_the_sentence_of_a_study_names_the_control() -> None:
    (beaten,) = conclusions(Judged(controlled(3.0, 0.0)))
    assert beaten.startswith(
        "ga+csa, lr_sd=tuned over ga, lr_sd=tuned: better, and better than its control (lr_sd=0) ("
    )
    (not_beaten,) = conclusions(Judged(controlled(3.0, 6.0)))
    assert ": better, but worse than its control (lr_sd=0) (" in not_beaten and "over the control -" in not_beaten


def test_what_is_undecided_says_what_would_decide_it() -> None:
    judged = Judged(controlled(0.3, 0.0, seeds=2, difference=0.5))
    (gain,) = judged.primary
    assert str(gain.comparison.verdict) == "undecided"
    assert "seeds would" in details(judged, gain)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (MoreSeeds(2, 4), "about 4 more seeds would tell a gain of 1 mIoU from none"),
        (MoreSeeds(1, 1), "about 1 more seed would tell a gain of 1 mIoU from none"),
        (MoreSeeds(90, None), "about 90 more seeds would show a gain of 1 mIoU, if there is one"),
        (MoreSeeds(None, None), "more than 100 seeds would be needed to show a gain of 1 mIoU"),
    ],
)
def test_seeds_are_counted_for_the_difference_of_interest(more: MoreSeeds, said: str) -> None:
    assert what_decides(more, 1.0) == said
