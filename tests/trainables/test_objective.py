from __future__ import annotations

import pytest

from trainables.objective import MIOU, Objective, chosen_by

ERROR = Objective(name="error", metric="error", unit="%", direction="minimize")
LOSS = Objective(name="loss", metric="loss", direction="minimize")
LATENCY = Objective(name="latency", metric="latency", unit="ms", direction="minimize")


def test_miou_has_the_names_that_records_have() -> None:
    assert (MIOU.select, MIOU.report) == ("select/miou", "report/miou")
    assert (MIOU.report_last, MIOU.report_best) == ("report/miou_last", "report/miou_best_on_select")
    assert MIOU.of_snapshot == "snapshot/select_miou"
    assert (MIOU.in_unit, MIOU.axis, MIOU.axis_of_difference, MIOU.of_difference) == (
        "mIoU in percent",
        ", %",
        ", points",
        "mIoU",
    )


@pytest.mark.parametrize(
    ("objective", "said"),
    [
        (ERROR, ("error in percent", ", %", ", points", "points of error")),
        (LOSS, ("loss", "", "", "loss")),
        (LATENCY, ("latency in ms", ", ms", ", ms", "ms of latency")),
    ],
)
def test_an_objective_in_words(objective: Objective, said: tuple[str, ...]) -> None:
    assert (objective.in_unit, objective.axis, objective.axis_of_difference, objective.of_difference) == said
    assert objective.sign == -1


def test_a_finished_trial_may_say_what_it_is_chosen_by() -> None:
    assert chosen_by({"report/error": 3.0, ERROR.of_snapshot: 0.0}) == 0.0
    assert chosen_by({"report/error": 3.0}) is None


def test_one_point_is_no_points() -> None:
    assert [MIOU.counted(1), ERROR.counted(1), ERROR.counted(0.5), LATENCY.counted(1)] == [
        "1 mIoU",
        "1 point of error",
        "0.5 points of error",
        "1 ms of latency",
    ]
