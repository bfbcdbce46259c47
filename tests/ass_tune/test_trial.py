"""The words of a study."""

from __future__ import annotations

import pytest

from ass_tune.trial import Report, Trial
from trainables.config import Value
from trainables.words import Cell, Stage, format_value


def test_a_cell_is_named_by_its_levels_in_order() -> None:
    assert Cell((("adaptor", "ga+csa"), ("labeled_images", 50))).name == "adaptor=ga+csa,labeled_images=50"
    assert Cell(()).name == "all"


def test_a_cell_knows_its_levels_and_no_others() -> None:
    cell = Cell((("adaptor", "ga"), ("lr_sd", 0)))
    assert (cell.level("adaptor"), cell.level("lr_sd")) == ("ga", 0)
    with pytest.raises(KeyError):
        cell.level("labeled_images")


def test_a_trial_is_named_by_cell_stage_and_number() -> None:
    trial = Trial("k", Cell((("adaptor", "ga"),)), Stage.REPLICATE, 3, 1, {}, {})
    assert trial.name == "adaptor=ga replicate 3"


def test_the_select_split_is_what_counts() -> None:
    assert Report(10, {"select/miou": 31.5, "report/miou": 99.0}, 0.0).value == 31.5


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "none"), (True, "true"), (False, "false"), (5, "5"), (0.1, "0.1"), (1e-05, "1e-05"), ("ga", "ga")],
)
def test_values_are_written_so_that_they_read_back(value: Value, text: str) -> None:
    assert format_value(value) == text
