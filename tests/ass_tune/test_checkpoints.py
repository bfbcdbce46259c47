"""Checkpoints outlive a trial's actor, but not the trial."""

from __future__ import annotations

from pathlib import Path

import pytest

from ass_tune.checkpoints import CheckpointKeeper
from ass_tune.trial import Cell, End, Outcome, Report, Stage, Trial
from trainables.storage import Storage


@pytest.mark.parametrize("outcome", Outcome)
def test_the_checkpoints_of_an_ended_trial_go_and_everything_else_stays(tmp_path: Path, outcome: Outcome) -> None:
    folder = Storage(str(tmp_path))
    ours = ["checkpoints/ours/000000010.pt", "checkpoints/ours/000000020.pt"]
    others = ["checkpoints/other/000000010.pt", "results/ours/network.pt", "ledger.journal"]
    for name in ours + others:
        folder.write_bytes(name, b"x")
    keeper = CheckpointKeeper(folder)
    trial = Trial("ours", Cell(()), Stage.TUNING, 0, 0, {}, {})
    keeper.trial_started(trial)
    keeper.trial_reported(trial, Report(10, {"select/miou": 1.0}, 0.0))
    assert all(folder.exists(name) for name in ours)
    keeper.trial_ended(trial, End(outcome, 20, 0.0))
    assert not any(folder.exists(name) for name in ours)
    assert all(folder.exists(name) for name in others)


def test_a_trial_that_saved_nothing_ends_too(tmp_path: Path) -> None:
    trial = Trial("ours", Cell(()), Stage.TUNING, 0, 0, {}, {})
    CheckpointKeeper(Storage(str(tmp_path))).trial_ended(trial, End(Outcome.PRUNED, 20, 0.0))
    assert list(tmp_path.iterdir()) == []
