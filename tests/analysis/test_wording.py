from __future__ import annotations

import math

import pytest

from analysis.table import interval, p_text
from analysis.wording import count
from trainables.words import format_points, plus_minus


def test_numbers_are_written_as_people_write_them() -> None:
    assert plus_minus(1.25, 0.31, "+") == "+1.2 ± 0.3"
    assert plus_minus(1.25, math.nan) == "1.2"
    assert [p_text(p) for p in (0.0004, 0.012, 0.5, math.nan)] == ["< 0.001", "0.012", "0.5", ""]


@pytest.mark.parametrize("zero", [0.0, -0.0, 0.04, -0.04])
def test_zero_has_no_minus(zero: float) -> None:
    assert format_points(zero, "+") == "+0.0"
    assert interval(zero, zero) == "+0.0 to +0.0"
    assert plus_minus(zero, 0.0) == "0.0 ± 0.0"


def test_one_thing_is_singular() -> None:
    assert [count(n, "seed") for n in (0, 1, 2)] == ["0 seeds", "1 seed", "2 seeds"]
