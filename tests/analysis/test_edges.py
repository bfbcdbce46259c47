"""Best hyperparameters at an end of their range: in the page, in the table's file and in the conclusions as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from analysis.edges import at_edges, edge_notes, range_of
from analysis.report.as_data import conclusions_of
from analysis.report.blocks import Text
from analysis.report.results import main_table
from analysis.report.table_files import table_markdown
from analysis.statistics.gains import Judged
from analysis.study import Study
from analysis.table import table_rows
from tests.support.synthetic import Made, made_study

LAMBDA = {"type": "log_uniform", "low": 0.1, "high": 10}


def searched(best: Mapping[str, Any], entry: Mapping[str, Any] = LAMBDA, others: Sequence[Any] = (1.0,)) -> Study:
    """By adaptor the value of lambda_sadv that won, and others that lost."""
    trials = []
    for adaptor, value in best.items():
        for number, tried in enumerate((value, *others)):
            select = {"select/miou": {100: 40.0 - number}}
            trials.append(Made({"adaptor": adaptor}, select, {"lambda_sadv": tried}, number=number, seed=1000))
    return made_study({"adaptor": list(best)}, {"lambda_sadv": entry}, trials)


@pytest.mark.parametrize(
    ("entry", "value", "at"),
    [
        (LAMBDA, 0.1, "lower"),
        (LAMBDA, 0.125, "lower"),
        (LAMBDA, 0.127, None),
        (LAMBDA, 7.9, None),
        (LAMBDA, 8.0, "upper"),
        ({"type": "uniform", "low": 0, "high": 10}, 0.49, "lower"),
        ({"type": "uniform", "low": 0, "high": 10}, 0.51, None),
        ({"type": "int", "low": 1, "high": 4}, 4, "upper"),
        ({"type": "int", "low": 1, "high": 4}, 3, None),
        ({"type": "int", "low": 1, "high": 1000, "log": True}, 1.4, "lower"),
        ({"type": "grid", "values": [1, 0.2, 5]}, 0.2, "lower"),
        ({"type": "grid", "values": [1, 0.2, 5]}, 1, None),
    ],
)
def test_a_value_is_at_an_end_within_5_percent_of_what_was_searched(
    entry: Mapping[str, Any], value: float, at: str | None
) -> None:
    found = range_of(entry)
    assert found is not None and found.end(value) == at


@pytest.mark.parametrize(
    "entry",
    [
        {"type": "choice", "values": [0.1, 1, 10]},
        {"type": "grid", "values": [0.1, 10]},
        {"type": "grid", "values": [True, False, "auto"]},
    ],
)
def test_values_without_an_order_and_two_alone_have_no_ends(entry: Mapping[str, Any]) -> None:
    assert range_of(entry) is None


def test_the_notice_names_the_hyperparameter_the_end_and_the_cells() -> None:
    study = searched({"ga": 0.11, "ga+csa": 0.1, "ga+fcsa": 9.5, "csa": 3.0})
    assert edge_notes(study) == [
        "The best lambda_sadv is within 5% of the lower end of its range (0.1 to 10 on a log scale) in ga (0.11); "
        "ga+csa (0.1). A better value may lie beyond it.",
        "The best lambda_sadv is within 5% of the upper end of its range (0.1 to 10 on a log scale) in ga+fcsa (9.5). "
        "A better value may lie beyond it.",
    ]
    assert edge_notes(searched({"ga": 5}, {"type": "grid", "values": [1, 0.2, 5]})) == [
        "The best lambda_sadv is the largest of the 3 values that were tried (0.2 to 5) in ga (5). A better value may "
        "lie beyond it."
    ]


def test_a_cell_that_lost_with_the_value_or_had_no_choice_has_no_notice() -> None:
    assert at_edges(searched({"ga": 1.0}, others=(0.1, 10.0))) == []
    replicate = Made({"adaptor": "ga"}, {"select/miou": {100: 40.0}}, {"lambda_sadv": 0.1}, stage="replicate")
    assert at_edges(made_study({"adaptor": ["ga"]}, {"lambda_sadv": LAMBDA}, [replicate])) == []


def test_page_table_and_data_have_the_notice() -> None:
    judged = Judged(searched({"ga": 0.1, "ga+csa": 1.0}, others=(2.0,)))
    rows, (note,) = table_rows(judged), edge_notes(judged.study)
    assert [block.text for block in main_table(judged, rows).blocks if isinstance(block, Text) and block.warning] == [
        note
    ]
    assert f"\n{note}\n" in table_markdown(judged, rows)
    (found,) = conclusions_of(judged).best_at_edge
    assert (found.cell, found.hyperparameter, found.value, found.end) == ("adaptor=ga", "lambda_sadv", 0.1, "lower")
    assert (found.low, found.high, found.log) == (0.1, 10, True)
