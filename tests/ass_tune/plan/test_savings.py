"""What a search will save, as its plan says it from studies that were run."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.support.studies import Studies
from tests.support.study_files import LAMBDA_SADV, LR, curves_file

CELLS = {"ablate": {"adaptor": ["joint", "ga+csa"]}, "tune": {**LR, **LAMBDA_SADV}}


def test_a_replay_on_an_earlier_study_that_pruned_nothing_says_what_will_be_saved(
    studies: Studies, write_file: Callable
) -> None:
    pilot = write_file(curves_file(**CELLS, study="pilot", search={"sampler": "random", "trials_per_cell": 5}))
    done = studies.run(pilot)
    assert done.returncode == 0, done.stderr

    def savings(*overrides: str) -> dict | None:
        file = write_file(curves_file(**CELLS, study="planned", search={"sampler": "random", "trials_per_cell": 5}))
        arguments = [argument for override in overrides for argument in ("--set", override)]
        return json.loads(studies.run(file, "--plan", "--json", "--step-time", "0.1", *arguments).stdout)["savings"]

    assert savings() is None, "nothing is stopped early"
    assert savings("search.screen=1", "search.keep=2", "train.evaluate_every=10") is None, "other reports"
    found = savings("search.screen=1", "search.keep=2")
    assert found is not None
    assert found["saved"] == 3 * 80 / (5 * 100)
    assert found["cells"] == 2 and found["studies"] == ["pilot"]
    everything = savings("search.screen=1", "search.keep=5")
    assert everything is not None and (everything["saved"], everything["kept"]) == (0.0, 2)
    shown = studies.run(pilot, "--plan", "--step-time", "0.1", "--set", "search.screen=1", "--set", "search.keep=2")
    assert "48% of tuning in a replay on the curves of earlier studies (pilot)" in shown.stdout.replace("\n", " ")
