"""Killed processes and interrupts leave a journal whole, and no lock that is waited for long."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock

from ass_tune.ledger import journal_lock
from ass_tune.ledger.journal import Journal
from ass_tune.ledger.journal_lock import JournalLock
from tests.support.interrupts import interrupted
from tests.support.journals import LOG, PROCESSES, ours, start, take_lock_and_die, write_for_ever


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.journal"


def lock_of(path: Path) -> Path:
    return path.with_name(path.name + ".lock")


def test_a_writer_that_is_killed_loses_nothing_that_it_had_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_lock, "LEFTOVER_AFTER", 1e9)  # a lock of ours must not be waited for
    random, written = np.random.default_rng(0), set()
    for _ in range(8):
        receiver, sender = PROCESSES.Pipe(duplex=False)
        process = start(write_for_ever, path, sender)
        sender.close()
        for _ in range(int(random.integers(1, 20))):
            written.add(receiver.recv())
        time.sleep(random.uniform(0, 0.002))
        process.kill()
        with suppress(EOFError):
            while True:
                written.add(receiver.recv())
        process.join()
        held = ours(path).get_all_trials(0)
        assert written <= {(trial.number, step) for trial in held for step in trial.intermediate_values}
    assert len(held) == 8
    assert not lock_of(path).is_symlink()


def test_the_lock_of_a_killed_driver_is_removed_at_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_lock, "LEFTOVER_AFTER", 1e9)
    Journal(path).append_logs([LOG])
    start(take_lock_and_die, JournalLock(path).__enter__).join()
    assert lock_of(path).is_symlink()
    Journal(path).append_logs([LOG])
    assert len(list(JournalFileBackend(str(path)).read_logs(0))) == 2


@pytest.mark.parametrize("relative", [False, True])
def test_the_lock_of_a_killed_dashboard_is_removed_after_a_while(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, relative: bool
) -> None:
    monkeypatch.setattr(journal_lock, "LEFTOVER_AFTER", 0.2)
    monkeypatch.chdir(path.parent.parent)
    journal = Journal(path)
    shown = path.relative_to(path.parent.parent) if relative else path
    start(take_lock_and_die, JournalFileSymlinkLock(str(shown)).acquire).join()
    assert lock_of(path).is_symlink()
    journal.append_logs([LOG])
    assert "removed the lock of a process that was killed" in caplog.text
    assert not lock_of(path).is_symlink()


def test_a_dashboard_that_writes_is_waited_for(path: Path) -> None:
    Journal(path)
    theirs = JournalFileSymlinkLock(str(path))
    theirs.acquire()
    released: list[int] = []

    def release() -> None:
        time.sleep(0.3)
        released.append(path.stat().st_size)
        theirs.release()

    thread = threading.Thread(target=release)
    thread.start()
    Journal(path).append_logs([LOG])
    thread.join()
    assert released == [0]


def test_an_interrupt_at_any_moment_leaves_nothing_to_contradict(path: Path) -> None:
    journal, appended = Journal(path), 0

    def append() -> None:
        nonlocal appended
        journal.append_logs([{**LOG, "step": appended}])
        appended += 1

    for seconds in np.random.default_rng(0).uniform(0.001, 0.01, size=30):
        interrupted(append, seconds)
        steps = [log["step"] for log in Journal(path).read_logs(0)]
        assert steps in (list(range(appended)), list(range(appended + 1)))
        appended = len(steps)
    assert [log["step"] for log in JournalFileBackend(str(path)).read_logs(0)] == steps
