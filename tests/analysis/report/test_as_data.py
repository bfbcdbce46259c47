"""The conclusions as data, and their schema."""

from __future__ import annotations

import json

import jsonschema
import pytest

from analysis.report.as_data import SCHEMA_FILE, Conclusions, conclusions_json, conclusions_of, schema_text
from analysis.report.command import main
from analysis.statistics.gains import Judged
from tests.support.controlled import CSA, GA, UNTRAINED, controlled


def test_the_shipped_schema_is_that_of_the_code_and_takes_what_is_printed(
    recorded, capsys: pytest.CaptureFixture[str]
) -> None:
    assert SCHEMA_FILE.read_text() == schema_text()
    assert main([recorded.name, "--tracking-uri", recorded.uri, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    jsonschema.validate(found, json.loads(schema_text()))
    assert [one["comparison"]["ours"] for one in found["primary"]] == [
        f"adaptor=ga+csa,labeled_images={budget}" for budget in (5, 20)
    ]
    assert found["run_sd"] > 0 and found["run_sd_df"] == 4


def test_a_gain_that_the_control_has_too_is_not_credited() -> None:
    found = conclusions_of(Judged(controlled(3.0, 3.0)))
    (one,) = found.primary
    assert (one.comparison.ours, one.comparison.theirs, one.comparison.verdict) == (CSA, GA, "better")
    assert one.control is not None and (one.control.theirs, one.control.verdict) == (UNTRAINED, "equivalent")
    assert not one.credited and one.decided_by is None
    assert "equivalent to its control" in one.sentence
    assert [(other.ours, other.theirs, other.verdict) for other in found.exploratory] == [(UNTRAINED, GA, None)]


def test_what_is_undecided_says_what_it_costs() -> None:
    (one,) = conclusions_of(Judged(controlled(0.3, 0.0, seeds=2, difference=0.5))).primary
    assert one.comparison.verdict == "undecided" and one.decided_by is not None
    more = max(one.decided_by.more_seeds_to_find or 0, one.decided_by.more_seeds_to_rule_out or 0)
    assert one.decided_by.trials == more * 3 > 0, "each seed runs all three cells"
    assert one.decided_by.trial_hours == pytest.approx(more * 3 * 100 / 3600)


def test_one_seed_is_no_number_that_is_not_known() -> None:
    text = conclusions_json(Judged(controlled(3.0, 0.0, seeds=1)))
    (one,) = Conclusions.model_validate_json(text).primary
    assert (one.comparison.verdict, one.comparison.low, one.comparison.not_judged) == (None, None, "one seed")
    assert "NaN" not in text and "not judged (one seed)" in one.sentence


def test_a_comparison_of_two_studies_has_no_conclusions(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--compare", "a", "b", "--json"])
    assert "a comparison of two concludes nothing" in capsys.readouterr().err
