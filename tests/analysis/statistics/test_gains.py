"""The comparisons of studies: a recorded one, and made ones whose gains are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from analysis.load import load_study
from analysis.statistics.gains import Judged, over_another_study
from analysis.statistics.verdict import Verdict
from analysis.study import Study
from analysis.table import NOT_CREDITED, verdict_text
from tests.support.controlled import CSA, GA, UNTRAINED, controlled
from trainables.ass.metrics import miou


@pytest.mark.parametrize(
    ("gain", "of_control", "credited", "verdict", "said"),
    [
        (3.0, 0.0, True, "better", Verdict.BETTER),
        (3.0, 3.0, False, NOT_CREDITED, Verdict.EQUIVALENT),
        (3.0, 6.0, False, NOT_CREDITED, Verdict.WORSE),
        (-3.0, -6.0, False, "worse", Verdict.BETTER),
        (-3.0, 0.0, False, "worse, control better", Verdict.WORSE),
        (0.0, 3.0, False, "equivalent, control better", Verdict.WORSE),
    ],
)
def test_a_gain_is_credited_only_where_the_control_is_beaten_too(
    gain: float, of_control: float, credited: bool, verdict: str, said: Verdict
) -> None:
    (found,) = Judged(controlled(gain, of_control)).primary
    assert found.control is not None and found.control.theirs == UNTRAINED
    assert (found.credited, verdict_text(found), found.control.verdict) == (credited, verdict, said)


def test_the_comparison_with_the_control_is_corrected_with_the_others() -> None:
    judged = Judged(controlled(1.0, 0.0))
    assert [(one.ours, one.theirs) for one in judged.corrected] == [(CSA, GA), (CSA, UNTRAINED)]
    (with_control,) = judged.primary
    alone = made_with(judged.study, [(CSA, GA, None)])
    (without,) = Judged(alone).primary
    assert with_control.comparison.high - with_control.comparison.low > without.comparison.high - without.comparison.low


def test_what_the_plan_does_not_name_has_an_interval_and_no_verdict() -> None:
    judged = Judged(controlled(3.0, 5.0))
    assert list(judged.exploratory) == [(UNTRAINED, GA)]
    found = judged.exploratory[UNTRAINED, GA]
    assert found.verdict is None and found.low > 0
    row = judged.over_baseline(next(cell for cell in judged.study.cells if cell.name == UNTRAINED))
    # its baseline has its own lr_sd, and no such cell was trained
    assert row is None


def test_small_and_certain_is_said_to_be_small() -> None:
    (found,) = Judged(controlled(3.0, 0.0, difference=10.0)).primary
    assert found.credited and verdict_text(found) == "better (small)"


def test_an_older_plan_compares_every_cell_with_its_baseline(study: Study) -> None:
    plan = {name: value for name, value in study.plan.items() if name not in ("comparisons", "smallest_difference")}
    old = Study(study.name, study.trials, study.reports, study.files)
    object.__setattr__(old, "plan", plan)
    now, before = Judged(study), Judged(old)
    assert before.margin == 1.0 and before.primary == now.primary and len(now.primary) == 2


def made_with(study: Study, comparisons: Sequence[tuple[str, str, str | None]]) -> Study:
    named = [dict(zip(("ours", "theirs", "control"), one, strict=True)) for one in comparisons]
    changed = Study(study.name, study.trials, study.reports, study.files)
    object.__setattr__(changed, "plan", {**study.plan, "comparisons": named})
    return changed


@pytest.fixture(scope="module")
def study(recorded) -> Study:
    return load_study(recorded.name, recorded.uri)


def test_gains_are_paired_by_seed_and_of_the_counts_of_both_sides(study: Study) -> None:
    judged = Judged(study)
    assert [gain.comparison.ours for gain in judged.primary] == [
        f"adaptor=ga+csa,labeled_images={budget}" for budget in (5, 20)
    ]
    for gain in judged.primary:
        found = gain.comparison
        of_seeds = [miou_of(study, name) for name in (found.ours, found.theirs)]
        assert found.gain == pytest.approx(np.mean([of_seeds[0][seed] - of_seeds[1][seed] for seed in found.seeds]))
        assert found.seeds == (0, 1, 2) and found.image_variance is not None
    assert judged.exploratory == {}, "both pairs of one budget are primary"


def miou_of(study: Study, name: str) -> Mapping[int, float]:
    """By seed, from the counts alone."""
    cell = next(cell for cell in study.cells if cell.name == name)
    runs = study.results(cell)
    counts = study.confusions(runs.values())
    assert counts is not None
    return {seed: miou(counts.of([run])[0].sum(axis=0)) for seed, run in runs.items()}


def test_a_study_compared_with_itself_does_not_differ_and_has_no_verdict(study: Study) -> None:
    found = over_another_study(Judged(study), Judged(study))
    assert list(found) == [cell.name for cell in study.cells]
    for one in found.values():
        assert (one.gain, one.low, one.high, one.verdict) == (0, 0, 0, None)


def test_runs_that_were_judged_on_other_images_are_refused(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = Study.confusions, []

    def of_other_images(self: Study, runs):
        found = real(self, runs)
        calls.append(runs)
        assert found is not None
        return replace(found, images=("another.png", *found.images[1:])) if len(calls) == 3 else found

    monkeypatch.setattr(Study, "confusions", of_other_images)
    with pytest.raises(ValueError, match="was evaluated on other images"):
        _ = Judged(study).measured


def test_images_of_one_sequence_are_one_unit(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    alone, real = Judged(study), Study.confusions

    def in_two_sequences(self: Study, runs):
        found = real(self, runs)
        assert found is not None
        return replace(found, units=("one",) * 4 + ("two",) * 4, resample_by="sequence")

    assert alone.design.units == 8 and alone.primary
    monkeypatch.setattr(Study, "confusions", in_two_sequences)
    together = Judged(study)
    assert together.design.units == 2
    for one, other in zip(alone.primary, together.primary, strict=True):
        assert one.comparison.gain == other.comparison.gain
        assert one.comparison.image_variance is not None and other.comparison.image_variance is not None
