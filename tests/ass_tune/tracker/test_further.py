"""Trackers of installed packages are told what happens, and can stop nothing."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from ass_tune.tracker.further import check_trackers, further_trackers
from ass_tune.trial import End, Report, Trial
from tests.support.examples import EXAMPLES
from tests.support.packages import Packages
from trainables.extensions import BrokenExtension
from trainables.mistakes import UserMistake
from trainables.words import Cell, Outcome, Stage

TRIAL = Trial("k", Cell((("adaptor", "ga"),)), Stage.TUNING, 3, 7, {}, {})
REPORT = Report(10, {"select/miou": 30.5}, 0.0)
FAILS = """
from ass_tune.trial import StudyListener
class Fails(StudyListener):
    def trial_reported(self, trial, report): raise OSError("no server")
    def close(self): open(self.folder / "closed", "w").close()
"""


def install(packages: Packages, name: str, path: str, text: str) -> None:
    packages.install(f"ass-{name}", "ass_tune.trackers", {name: path}, **{path.partition(":")[0]: text})


def test_the_example_writes_a_line_for_each_report_and_end(packages: Packages, tmp_path: Path) -> None:
    install(packages, "lines", "ass_lines:Lines", EXAMPLES["lines/ass_lines.py"])
    with further_trackers(("lines",), "csa", tmp_path) as (lines,):
        lines.trial_started(TRIAL)
        lines.trial_reported(TRIAL, REPORT)
        lines.trial_ended(TRIAL, End(Outcome.PRUNED, 10, 0.0))
    written = (tmp_path / "trackers/lines/trials.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in written] == [
        {"trial": "adaptor=ga tuning 3", "seed": 7, "iteration": 10, "value": 30.5},
        {"trial": "adaptor=ga tuning 3", "seed": 7, "iteration": 10, "outcome": "pruned"},
    ]


def test_one_that_fails_is_told_nothing_more_and_people_are_told_once(
    packages: Packages, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    install(packages, "fails", "fails:Fails", FAILS)
    with caplog.at_level(logging.WARNING), further_trackers(("fails",), "csa", tmp_path) as (fails,):
        for _ in range(3):
            fails.trial_reported(TRIAL, REPORT)
    (said,) = caplog.messages
    assert "tracker 'fails' of package ass-fails 1.0 cannot be used: OSError: no server" in said
    assert not (tmp_path / "trackers/fails/closed").exists()


def test_a_name_that_no_package_has_is_refused_before_anything_runs(packages: Packages) -> None:
    with pytest.raises(UserMistake, match="trackers: found 'lines'; allowed: none, since no installed package has one"):
        check_trackers(("lines",))
    install(packages, "lines", "ass_lines:Lines", "Lines = 3")
    with pytest.raises(UserMistake, match="found 'line'; allowed: lines; did you mean 'lines'"):
        check_trackers(("line",))
    with pytest.raises(BrokenExtension, match="ass_lines:Lines is 3; allowed: a class that extends"):
        check_trackers(("lines",))
