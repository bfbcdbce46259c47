"""Lines of the ledger wait for the disk in groups, and other processes see them at once."""

from __future__ import annotations

import os
from pathlib import Path

import optuna
import pytest

from ass_tune.ledger.bulk_read import BulkReadStorage
from ass_tune.ledger.journal import Journal
from tests.support.journals import optunas, state


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with each wait for the disk."""
    found: list[int] = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: (found.append(file), fsync(file))[1])
    return found


def test_reports_wait_for_the_disk_together_and_the_end_of_a_trial_at_once(tmp_path: Path, waits: list[int]) -> None:
    ledger = BulkReadStorage(Journal(tmp_path / "ledger.journal"))
    trial = optuna.create_study(storage=ledger, study_name="s").ask()
    before = len(waits)
    trial.report(0.5, step=1)
    assert len(waits) == before + 1
    ledger.settle_in_groups()
    for step in range(2, 6):
        trial.report(0.5, step=step)
    assert len(waits) == before + 1
    assert state(optunas(tmp_path / "ledger.journal"), times=True) == state(ledger, times=True)
    ledger.settle()
    ledger.settle()
    assert len(waits) == before + 2
    trial.study.tell(trial, 1.0)
    assert len(waits) == before + 3
    ledger.settle()
    assert len(waits) == before + 3
