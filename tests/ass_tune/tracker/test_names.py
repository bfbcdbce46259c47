from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mlflow.utils.validation import _validate_metric_name, _validate_param, _validate_tag

from ass_tune.tracker import names
from ass_tune.trial import Trial
from trainables.words import Cell, Stage


@pytest.mark.parametrize("name", ["select/iou/traffic sign", "loss/total", "a", "lr.gd", "x:y z-1"])
def test_permitted_names_stay(name: str):
    assert names.mlflow_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "/", "a//b", "/a/", "../a", "a/./b", ".", "iou/sign (front)", "é+%", "x" * 300, "a/" * 200]
)
def test_other_names_become_ones_that_mlflow_accepts(name: str):
    safe = names.mlflow_name(name)
    _validate_metric_name(safe)
    _validate_tag(safe, "value")


@given(st.text(max_size=300) | st.text("/. é-:a_\\%#", max_size=300))
@example("..é")
@example("../..")
@settings(max_examples=300, derandomize=True, database=None, deadline=None)
def test_any_text_becomes_a_name_that_mlflow_accepts(name: str):
    safe = names.mlflow_name(name)
    _validate_metric_name(safe)
    _validate_tag(safe, "value")


def test_half_of_a_character_is_replaced_since_it_cannot_be_sent():
    value = names.tags({"error": "no file \udcff.png"})["error"]
    assert value == "no file ?.png"


def test_values_read_as_people_write_them():
    values = {"a": None, "b": True, "c": 2.5e-4, "d": [64, 128], "e": "sgd", "f": 3}
    expected = {"a": "none", "b": "true", "c": "0.00025", "d": "[64, 128]", "e": "sgd", "f": "3"}
    assert names.parameters(values) == expected


def test_too_long_values_are_cut_to_what_mlflow_accepts():
    value = names.parameters({"notes": "é" * 10_000})["notes"]
    assert _validate_param("notes", value).value == value
    assert value.endswith("…")
    assert len(names.tags({"error": "x" * 10_000})["error"]) == names.LONGEST_TAG


def test_run_name_is_cell_stage_and_number(make_trial: Callable[..., Trial]):
    assert names.run_name(make_trial()) == "ga+csa · 50 labels · tuning 3"


def test_run_name_names_levels_that_do_not_speak_for_themselves():
    cell = Cell((("lambda_sadv", 0.1), ("flip", True)))
    assert (
        names.run_name(Trial("k", cell, Stage.REPLICATE, 1, 0, {}, {})) == "lambda_sadv=0.1 · flip=true · replicate 1"
    )
    assert names.run_name(Trial("k", Cell(()), Stage.TUNING, 0, 0, {}, {})) == "tuning 0"


def test_row_of_the_table_is_named_by_its_levels():
    assert names.row_name(Cell((("adaptor", "ga+csa"), ("labeled_images", 50)))) == "ga+csa · 50 labels"
    assert names.row_name(Cell(())) == "all"
