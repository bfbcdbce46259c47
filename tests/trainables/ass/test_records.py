from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch

from trainables.ass.records import Records
from trainables.contract import Diverged


def filled(*rows: Mapping[str, float]) -> Records:
    records = Records()
    for row in rows:
        records.add({name: torch.tensor(value) for name, value in row.items()})
    return records


def test_a_scalar_is_averaged_over_the_iterations_that_measured_it() -> None:
    records = filled({"a": 1, "b": 2}, {"a": 3, "b": 4}, {"a": 5, "c": 6}, {"b": 9, "a": 7})
    assert records.average(4) == {"a": 4, "b": 5, "c": 6}
    assert records.average(4) == {}


def test_what_is_not_finite_is_named_with_its_iteration() -> None:
    records = filled({"a": 1}, {"a": 1}, {"b": 1, "a": float("inf")})
    with pytest.raises(Diverged, match=r"^a is inf at iteration 9$"):
        records.average(10)


def test_the_newest_iteration_is_read_without_being_forgotten() -> None:
    records = filled({"a": 1}, {"b": 2, "c": 3})
    assert {name: value.item() for name, value in records.newest.items()} == {"b": 2, "c": 3}
    assert set(records.average(2)) == {"a", "b", "c"}


def test_records_that_were_saved_are_averaged_as_if_they_had_not_been() -> None:
    rows = ({"a": 1.5, "b": 2}, {"c": 4}, {"c": 8})
    loaded = Records()
    loaded.load_state_dict(filled(*rows).state_dict(), torch.device("cpu"))
    loaded.add({"c": torch.tensor(3.0)})
    assert loaded.average(4) == filled(*rows, {"c": 3}).average(4)
