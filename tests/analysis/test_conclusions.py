"""Sentences on comparisons: none says more than its verdict and that of its control."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest

from analysis.conclusions import conclusions, details, not_compared, phrase, sentence, what_decides
from analysis.report.as_data import conclusions_of
from analysis.report.blocks import Points
from analysis.report.results import every_comparison
from analysis.statistics.gains import Gain, Judged
from analysis.statistics.power import MoreSeeds
from analysis.statistics.verdict import Comparison
from tests.support.controlled import CSA, GA, controlled

SURE = Comparison("a", "b", (0, 1, 2), 2.0, 0.5, 3.5, 0.01, 1.0, 8.0, 0.2, 8.0, None, True)
UNDECIDED = replace(SURE, theirs="c", gain=0.2, low=-1.2, high=1.6, p=0.9)
WORSE = replace(SURE, theirs="c", gain=-2.0, low=-3.5, high=-0.5)
SAME = replace(SURE, theirs="c", gain=0.1, low=-0.4, high=0.6, p=0.8)
ONE_SEED = replace(SURE, seeds=(0,), low=math.nan, high=math.nan, p=math.nan)


SMALL = replace(SURE, gain=0.5, low=0.2, high=0.8)
SMALL_LOSS = replace(SURE, gain=-0.5, low=-0.8, high=-0.2, theirs="c")
OVER_BASELINE = {
    "better": (SURE, "better"),
    "better, small": (SMALL, "better by less than 1 mIoU"),
    "worse": (WORSE, "worse"),
    "worse, small": (SMALL_LOSS, "worse by less than 1 mIoU"),
    "equivalent": (SAME, "equivalent within 1 mIoU"),
    "undecided": (UNDECIDED, "undecided"),
    "one seed": (ONE_SEED, "not judged (one seed)"),
}
CONTROL = "its control (lr_sd=0)"
OVER_CONTROL = {
    "no control": (None, ""),
    "better": (SURE, f"better than {CONTROL}"),
    "better, small": (SMALL, f"better than {CONTROL} by less than 1 mIoU"),
    "worse": (WORSE, f"worse than {CONTROL}"),
    "worse, small": (SMALL_LOSS, f"worse than {CONTROL} by less than 1 mIoU"),
    "equivalent": (SAME, f"equivalent to {CONTROL} within 1 mIoU"),
    "undecided": (UNDECIDED, f"not shown to be better than {CONTROL}"),
    "one seed": (ONE_SEED, f"not judged over {CONTROL} (one seed)"),
}


@pytest.mark.parametrize("over_control", OVER_CONTROL)
@pytest.mark.parametrize("over_baseline", OVER_BASELINE)
def test_a_sentence_says_what_the_verdicts_say(over_baseline: str, over_control: str) -> None:
    """Every combination. A gain must beat its control; of other verdicts the control is told where it is decided."""
    (comparison, said), (control, of_control) = OVER_BASELINE[over_baseline], OVER_CONTROL[over_control]
    gain = Gain(comparison, control)
    found = phrase(controlled(3.0, 0.0), gain)
    (first, second) = (over_baseline.partition(",")[0], over_control.partition(",")[0])
    told = first != "one seed" and (first == "better" or second in ("better", "worse", "equivalent"))
    joint = ", and " if first in (second, "undecided") else ", but "
    assert found == said + (joint + of_control if of_control and told else "")
    assert gain.credited == (said.startswith("better") and (control is None or over_control.startswith("better")))
    assert gain.credited == (found.startswith("better") and ", but " not in found), "a reader can tell from the words"


@pytest.mark.parametrize("seeds", [1, 2, 5])
def test_under_the_papers_protocol_every_sentence_says_that_it_is_optimistic(seeds: int) -> None:
    study = controlled(3.0, 0.0, seeds=seeds)
    object.__setattr__(study, "plan", {**study.plan, "protocol": "paper"})
    judged = Judged(study)
    (said,) = (sentence(judged, gain) for gain in judged.primary)
    assert said.endswith(" The same images chose the configurations and gave the mIoU, so these are optimistic.")
    assert "not judged (one seed)" in said or seeds > 1


def test_the_sentence_of_a_study_names_the_control() -> None:
    (beaten,) = conclusions(Judged(controlled(3.0, 0.0)))
    assert beaten.startswith(
        "ga+csa, lr_sd=tuned over ga, lr_sd=tuned: better, and better than its control (lr_sd=0) ("
    )
    (same,) = conclusions(Judged(controlled(3.0, 3.0)))
    assert ": better, but equivalent to its control (lr_sd=0) within 1 mIoU (+3" in same
    (not_beaten,) = conclusions(Judged(controlled(3.0, 6.0)))
    assert ": better, but worse than its control (lr_sd=0) (" in not_beaten and "over the control -" in not_beaten


@pytest.mark.parametrize(("gain", "said"), [(0.0, "equivalent within 1 mIoU, but worse"), (-3.0, "worse, and worse")])
def test_a_control_that_is_better_is_told_whatever_the_gain(gain: float, said: str) -> None:
    (found,) = conclusions(Judged(controlled(gain, 3.0)))
    assert f": {said} than its control (lr_sd=0) (" in found and "; over the control -" in found


def test_what_is_undecided_says_what_would_decide_it() -> None:
    judged = Judged(controlled(0.3, 0.0, seeds=2, difference=0.5))
    (gain,) = judged.primary
    assert str(gain.comparison.verdict) == "undecided"
    assert "seeds would" in details(judged, gain)


def test_what_would_decide_whether_the_control_is_beaten_is_said_of_the_control() -> None:
    judged = Judged(controlled(3.0, 2.6, difference=0.5))
    (gain,) = judged.primary
    assert gain.control is not None and str(gain.control.verdict) == "undecided"
    assert re.search(r"; of the control, about \d+ more seeds? would tell a gain of 0\.5 mIoU", details(judged, gain))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (MoreSeeds(2, 4), "about 4 more seeds would tell a gain of 1 mIoU from none in 4 of 5 studies"),
        (MoreSeeds(1, 1), "about 1 more seed would tell a gain of 1 mIoU from none in 4 of 5 studies"),
        (MoreSeeds(90, None), "about 90 more seeds would show a gain of 1 mIoU in 4 of 5 studies"),
        (MoreSeeds(None, None), "no number of seeds up to 100 would show a gain of 1 mIoU in 4 of 5 studies"),
    ],
)
def test_seeds_are_counted_for_the_difference_of_interest(more: MoreSeeds, said: str) -> None:
    assert what_decides(more, 1.0) == said


def test_what_cannot_be_compared_is_said_with_its_reason() -> None:
    study = controlled(3.0, 0.0)
    reason = f"{CSA} is undefined: ga+csa needs labels"
    object.__setattr__(study, "plan", {**study.plan, "not_compared": [{"ours": CSA, "theirs": GA, "reason": reason}]})
    assert not_compared(study) == [
        "ga+csa, lr_sd=tuned over ga, lr_sd=tuned: ga+csa, lr_sd=tuned is undefined: ga+csa needs labels."
    ]
    found = conclusions_of(Judged(study)).not_compared
    assert [(one.ours, one.theirs, one.reason) for one in found] == [(CSA, GA, reason)]
    section = every_comparison(Judged(study))
    assert section is not None
    assert [block.points for block in section.blocks if isinstance(block, Points)] == [tuple(not_compared(study))]
    assert not_compared(controlled(3.0, 0.0)) == []
