"""The report's section on the last and the best snapshot."""

from __future__ import annotations

import pytest

from analysis.report.blocks import Table, Text
from analysis.report.contents import report_sections
from analysis.report.snapshots import snapshots, snapshots_of
from analysis.statistics.gains import Judged
from analysis.study import Study
from tests.support.synthetic import Made, made_study

LAST, BEST = {0: 30.0, 1: 31.0, 2: 32.0}, {0: 31.0, 1: 33.0, 2: 32.0}


def study(snapshot: str = "last", recorded: bool = True) -> Study:
    made = []
    for seed in range(3):
        curves = {"select/miou": {50: BEST[seed] + 1, 100: LAST[seed] + 1}, "report/miou": {100: LAST[seed]}}
        if recorded:
            objective = BEST[seed] if snapshot == "best_on_select" else LAST[seed]
            curves |= {
                "report/miou_last": {100: LAST[seed]},
                "report/miou_best_on_select": {100: BEST[seed]},
                "snapshot/select_miou": {100: objective + 1},
                "snapshot/best_iteration": {100: 100.0 if seed == 2 else 50.0},
            }
        stage = "replicate" if seed else "tuning"
        made.append(Made({"adaptor": "ga"}, curves, {"snapshot": snapshot}, stage, max(0, seed - 1), seed))
    return made_study({"adaptor": ["ga"]}, {}, made)


def test_both_snapshots_and_their_paired_difference_are_over_the_seeds_of_the_table() -> None:
    (found,) = snapshots_of(study())
    assert (found.last.mean, found.best.mean, found.last.n) == (31.0, 32.0, 3)
    assert found.difference.mean == pytest.approx(1.0)
    assert found.difference.half_width == pytest.approx(4.302652729911275 / 3**0.5)
    assert found.iteration == pytest.approx(200 / 3)


@pytest.mark.parametrize(
    ("snapshot", "said"),
    [("last", "of the last snapshot of each trial"), ("best_on_select", "of each trial's best snapshot on the select")],
)
def test_the_report_says_which_of_the_two_everything_else_is_of(snapshot: str, said: str) -> None:
    section = snapshots(study(snapshot))
    assert section is not None
    text, table = section.blocks
    assert isinstance(text, Text)
    assert said in text.text
    assert isinstance(table, Table)
    assert table.shown.to_dict("records") == [
        {
            "adaptor": "ga",
            "mIoU last": "31.0 ± 1.0",
            "mIoU best on select": "32.0 ± 1.0",
            "difference": "+1.0 ± 2.5",
            "best at iteration": "66.7 of 100",
            "reported": snapshot.replace("_", " "),
            "seeds": "3",
        }
    ]
    assert "Last and best snapshot" in [section.title for section in report_sections(Judged(study(snapshot)))]


def test_a_study_whose_trials_recorded_one_snapshot_has_no_such_section() -> None:
    assert snapshots(study(recorded=False)) is None


def test_the_choice_compares_the_snapshot_that_is_reported() -> None:
    """The first trial peaks and falls; the second ends highest."""
    curves = ({50: 40.0, 100: 30.0}, {50: 35.0, 100: 35.0})
    for snapshot, chosen in (("last", 1), ("best_on_select", 0)):
        made = [
            Made(
                {"adaptor": "ga"},
                {
                    "select/miou": curve,
                    "snapshot/select_miou": {100: curve[100] if snapshot == "last" else max(curve.values())},
                },
                {"lr": 0.1 * (number + 1)},
                number=number,
            )
            for number, curve in enumerate(curves)
        ]
        found = made_study({"adaptor": ["ga"]}, {"lr": {"type": "uniform", "low": 0.0, "high": 1.0}}, made)
        assert found.frame["chosen"].to_list() == [number == chosen for number in range(2)]
        assert found.frame["select/miou"].to_list() == ([30.0, 35.0] if snapshot == "last" else [40.0, 35.0])
