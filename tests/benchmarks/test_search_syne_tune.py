from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from ass_tune.replay.curve_set import CurveSet
from ass_tune.replay.curve_table import read_table
from ass_tune.replay.replay import Lives
from ass_tune.replay.virtual_time import VirtualSlots
from ass_tune.trial import End, Listener, Trial
from benchmarks import search_syne_tune
from benchmarks.search_peers import Resuming
from benchmarks.search_syne_tune import KINDS, SyneTune, missing

CONFIGURATIONS, REPORTS = 9, 16
RUNGS = (1, 3, 9)
"""Where schedulers with a reduction factor of 3 decide, before the end."""
needs_syne_tune = pytest.mark.skipif(missing() is not None, reason=missing() or "")


class Ends(Listener):
    def __init__(self) -> None:
        self.found: list[tuple[Trial, int]] = []

    def trial_ended(self, trial: Trial, end: End) -> None:
        self.found.append((trial, end.iteration))


@pytest.fixture
def curves(tmp_path: Path) -> CurveSet:
    """Two cells; the later configurations are the better ones from the first report on."""
    rows = [
        (f"cell {cell}", which, 0, step, which + step / REPORTS)
        for cell in range(2)
        for which in range(CONFIGURATIONS)
        for step in range(1, REPORTS + 1)
    ]
    path = tmp_path / "curves.parquet"
    pd.DataFrame(rows, columns=["cell", "configuration", "seed", "step", "value"]).to_parquet(path)
    return read_table(path, tuple(range(1, REPORTS + 1)))


def ends_of(curves: CurveSet, kind: str) -> list[tuple[Trial, int]]:
    ends = Ends()
    VirtualSlots(SyneTune(curves, ends, kind), Resuming(Lives(curves, None))).run(3)
    return ends.found


@needs_syne_tune
@pytest.mark.parametrize("kind", KINDS.values())
def test_every_configuration_is_begun_once_in_its_order_and_trials_end_at_rungs(curves: CurveSet, kind: str) -> None:
    ends = ends_of(curves, kind)
    for cell in curves.cells:
        begun = [trial.config["place"] for trial, _ in ends if trial.cell == cell.cell and not trial.config["begins"]]
        assert sorted(begun) == list(range(CONFIGURATIONS))
    assert {iteration for _, iteration in ends} <= {*RUNGS, REPORTS}


@needs_syne_tune
def test_promotion_goes_on_from_the_rung_where_a_trial_was_paused(curves: CurveSet) -> None:
    ends = ends_of(curves, "promotion")
    paused = {(trial.cell, trial.config["place"], iteration) for trial, iteration in ends}
    gone_on = [trial for trial, _ in ends if trial.config["begins"]]
    assert gone_on
    assert all((trial.cell, trial.config["place"], trial.config["begins"]) in paused for trial in gone_on)
    assert max(iteration for trial, iteration in ends if trial.config["place"] == CONFIGURATIONS - 1) == REPORTS


def test_without_its_environment_it_is_skipped_and_says_how_to_make_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_syne_tune, "PYTHON", Path("nowhere"))
    reason = missing()
    assert reason is not None
    where = search_syne_tune.PROJECT / reason.split("; ")[1].split()[0]
    assert "-m venv .syne-tune" in where.read_text()
