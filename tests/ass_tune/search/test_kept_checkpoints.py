"""Checkpoints outlive a trial's actor, but not the trial."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ass_tune.search.kept_checkpoints import CheckpointKeeper
from ass_tune.trial import End, Report, Trial
from trainables.storage import Storage
from trainables.words import Cell, Outcome, Stage

TRIAL = Trial("ours", Cell(()), Stage.TUNING, 0, 0, {}, {})
OURS = ["checkpoints/ours/000000010.pt", "checkpoints/ours/000000020.pt"]
OTHERS = ["checkpoints/other/000000010.pt", "ledger.journal", "results/ours/network.pt"]


@pytest.fixture
def folder(tmp_path: Path) -> Storage:
    folder = Storage(str(tmp_path))
    for name in OURS + OTHERS:
        folder.write_bytes(name, b"x")
    (tmp_path / "checkpoints" / "ours" / "000000030.pt.0123.tmp").write_bytes(b"half")
    return folder


def left(folder: Storage) -> list[str]:
    """Names of all files, those of killed writers too."""
    root = folder.local_path()
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


@pytest.mark.parametrize("outcome", [Outcome.FINISHED, Outcome.PRUNED, Outcome.DIVERGED])
def test_the_checkpoints_of_an_ended_trial_go_and_everything_else_stays(folder: Storage, outcome: Outcome) -> None:
    keeper = CheckpointKeeper(folder)
    keeper.trial_started(TRIAL)
    keeper.trial_reported(TRIAL, Report(10, {"select/miou": 1.0}, 0.0))
    keeper.trial_interrupted(TRIAL)
    assert all(folder.exists(name) for name in OURS)
    keeper.trial_ended(TRIAL, End(outcome, 20, 0.0))
    assert left(folder) == OTHERS


def test_a_failed_trial_keeps_the_newest_to_be_continued(folder: Storage) -> None:
    CheckpointKeeper(folder).trial_ended(TRIAL, End(Outcome.FAILED, 20, 0.0, error="x"))
    assert folder.list("checkpoints/ours") == OURS[1:]


def test_a_pruned_trial_keeps_the_newest_where_the_file_asks_for_it(folder: Storage) -> None:
    CheckpointKeeper(folder, keep_pruned=True).trial_ended(TRIAL, End(Outcome.PRUNED, 20, 0.0))
    assert folder.list("checkpoints/ours") == OURS[1:]


def test_a_trial_that_saved_nothing_ends_too(tmp_path: Path) -> None:
    CheckpointKeeper(Storage(str(tmp_path))).trial_ended(TRIAL, End(Outcome.PRUNED, 20, 0.0))
    assert list(tmp_path.iterdir()) == []


def test_what_drivers_that_died_have_left_is_swept_away(tmp_path: Path, spec: Callable, driven: Callable) -> None:
    fails = lambda trial: 20 if trial.number == 0 else None  # noqa: E731
    study = driven(spec(ablate={"adaptor": ["ga"]}), fails=fails).run(slots=2, reports=30)
    folder = Storage(str(tmp_path))
    for trial in study.trials():
        folder.write_bytes(f"checkpoints/{trial.key}/10.pt", b"x")
    folder.write_bytes("checkpoints/unknown/10.pt", b"x")
    CheckpointKeeper(folder).sweep(study.searches)
    goes_on = {trial.key for trial in study.director.running}
    failed = {key for key, end in study.ends().items() if end.outcome is Outcome.FAILED}
    assert goes_on and failed
    assert set(folder.folders("checkpoints")) == {f"checkpoints/{key}" for key in goes_on | failed}
