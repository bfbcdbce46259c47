"""A study whose factor is the snapshot: what chooses its configurations, and what a later study takes over."""

from __future__ import annotations

import pytest
from optuna.trial import TrialState

from analysis.readers.folder import read_folder
from analysis.study import Study
from tests.support.studies import Studies
from tests.support.study_files import LR, curves_file

FACTOR = curves_file(
    ablate={"adaptor": ["joint"], "snapshot": ["last", "best_on_select"]},
    tune=LR,
    search={"sampler": "qmc", "trials_per_cell": 6},
    fixed={"noise": 20},
)


def test_each_snapshot_chooses_by_its_own_miou_and_both_are_recorded(studies, write_file) -> None:
    file = write_file(FACTOR)
    assert studies.run(file).returncode == 0
    study = read_folder(studies.folder / "curves")
    curves: dict[str, list[float]] = {}
    for run, miou in study.metric("select/miou")[["run", "value"]].itertuples(index=False):
        curves.setdefault(run, []).append(miou)
    assert sum(curve[-1] < max(curve) for curve in curves.values()) > 3, "the trials of this study have no peaks"
    check_choice(studies, study, "last", {run: curve[-1] for run, curve in curves.items()})
    check_choice(studies, study, "best_on_select", {run: max(curve) for run, curve in curves.items()})

    assert studies.run(file, "--set", "study=again").returncode == 0
    again = read_folder(studies.folder / "again")
    assert again.metric("loss/total").empty, "trained again, not taken over"
    for name in ("report/miou_last", "report/miou_best_on_select", "snapshot/select_miou", "snapshot/best_iteration"):
        assert len(again.last(name)) == 2 * (6 + 1)
        assert sorted(study.last(name).values()) == sorted(again.last(name).values())


def check_choice(studies: Studies, study: Study, snapshot: str, values: dict[str, float]) -> None:
    """Ledger, choice and result of the cell with this snapshot, whose trials are worth these values."""
    (cell,) = [cell for cell in study.cells if cell.levels["snapshot"] == snapshot]
    rows = study.frame.query("cell == @cell.name").to_dict("records")
    frame = {row["run"]: row for row in rows}
    tuning = [run for run, row in frame.items() if row["stage"] == "tuning"]
    trials = studies.ledger("curves")[f"curves/{cell.name}/tuning"]
    in_ledger = [trial.value for trial in trials if trial.state is TrialState.COMPLETE and trial.value is not None]
    assert sorted(in_ledger) == pytest.approx(sorted(values[run] for run in tuning))
    best = max(tuning, key=lambda run: values[run])
    assert [run for run, row in frame.items() if row["best"]] == [best]
    (chosen,) = study.results(cell).values()
    assert frame[chosen]["stage"] == "replicate"
    assert frame[chosen]["lr"] == frame[best]["lr"]
    assert study.last("report/miou")[chosen] == study.last(f"report/miou_{snapshot}")[chosen]
