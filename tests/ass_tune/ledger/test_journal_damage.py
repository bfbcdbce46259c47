"""Whatever happens to the ledger's file, it is never read as another study."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.storages.journal import JournalFileBackend

from ass_tune.ledger.journal import Journal, LedgerDamaged
from tests.support.journals import LOG, optunas, ours, run_study, state


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.journal"


def lost(lines: list[bytes]) -> list[bytes]:
    return lines[:2] + lines[3:]


def first_lost(lines: list[bytes]) -> list[bytes]:
    return lines[1:]


def doubled(lines: list[bytes]) -> list[bytes]:
    return [*lines[:3], lines[2], *lines[3:]]


def swapped(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], lines[3], lines[2], *lines[4:]]


def joined(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], lines[2][:-1], *lines[3:]]


def number_changed(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], lines[2].replace(b'"step":2', b'"step":3'), *lines[3:]]


@pytest.mark.parametrize(
    ("damage", "number"), [(lost, 3), (first_lost, 1), (doubled, 4), (swapped, 3), (joined, 3), (number_changed, 3)]
)
@pytest.mark.parametrize("read_only", [False, True])
def test_a_line_that_is_not_as_it_was_written_is_named(
    path: Path, damage: Callable[[list[bytes]], list[bytes]], number: int, read_only: bool
) -> None:
    Journal(path).append_logs([{**LOG, "step": step} for step in range(6)])
    # a torn line at the end, which must still be there when the damage is told
    damaged = b"".join([*damage(path.read_bytes().splitlines(keepends=True)), b'{"op'])
    path.write_bytes(damaged)
    with pytest.raises(LedgerDamaged, match=rf"journal, line {number}: damaged.*Nothing was changed.*truncate -s \d+"):
        list(Journal(path, read_only=read_only).read_logs(0))
    assert path.read_bytes() == damaged


def test_the_advice_leads_to_a_journal_that_goes_on(path: Path) -> None:
    Journal(path).append_logs([{**LOG, "step": step} for step in range(4)])
    path.write_bytes(path.read_bytes().replace(b'"step":2', b'"step":7'))
    with pytest.raises(LedgerDamaged) as damaged:
        Journal(path)
    [command] = [part.split(")")[0] for part in str(damaged.value).split("(") if part.startswith("truncate")]
    assert os.system(command) == 0
    Journal(path).append_logs([{**LOG, "step": 2}])
    assert [log["step"] for log in Journal(path).read_logs(0)] == [0, 1, 2]


def test_a_file_that_is_cut_off_while_in_use_is_noticed(path: Path) -> None:
    journal = Journal(path)
    journal.append_logs([LOG, LOG])
    os.truncate(path, 10)
    with pytest.raises(LedgerDamaged, match="line 2: the file was cut off"):
        journal.append_logs([LOG])
    with pytest.raises(LedgerDamaged, match="line 1: damaged"):
        path.write_bytes(b"x" * 500 + b"\n")
        Journal(path)


@pytest.mark.chaos
def test_flipped_bytes_and_cuts_are_detected_or_harmless(path: Path) -> None:
    run_study(ours(path))
    optunas(path).set_study_system_attr(0, "dashboard:note_str:0", "a note")
    optuna.load_study(study_name="s", storage=ours(path)).ask()
    sound = path.read_bytes()
    lines, earlier = sound.splitlines(keepends=True), []
    for count in range(len(lines) + 1):
        path.write_bytes(b"".join(lines[:count]))
        earlier.append(state(optunas(path), times=True))
    random, detected = np.random.default_rng(0), 0
    for case in range(60):
        damaged = bytearray(sound)
        if cut := case % 2 == 0:
            del damaged[int(random.integers(len(damaged))) :]
        else:
            for place in random.choice(len(damaged), size=int(random.integers(1, 9)), replace=False):
                damaged[place] ^= int(random.integers(1, 256))
        path.write_bytes(damaged)
        try:
            read = state(ours(path, read_only=case % 4 > 1), times=True)
        except LedgerDamaged:
            assert path.read_bytes() == damaged
            detected += 1
            continue
        assert read in (earlier if cut else earlier[-1:]), f"case {case} is a different study"
    assert detected == 30, "every flip; of a cut, what is left is an earlier state"


def test_a_last_line_without_its_end_is_dropped_with_a_warning(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Journal(path).append_logs([LOG])
    sound = path.read_bytes()
    Journal(path).append_logs([{**LOG, "worker_id": "w" * 10_000}])
    os.truncate(path, path.stat().st_size - 7)
    torn = path.read_bytes()
    assert len(list(Journal(path, read_only=True).read_logs(0))) == 1
    assert path.read_bytes() == torn
    with caplog.at_level(logging.WARNING):
        journal = Journal(path)
    assert f"{path}: dropped the last line, {len(torn) - len(sound)} bytes" in caplog.text
    assert path.read_bytes() == sound
    journal.append_logs([LOG])
    assert list(logs(path)) == list(Journal(path).read_logs(0))


def logs(path: Path) -> Iterator[dict[str, Any]]:
    return JournalFileBackend(str(path)).read_logs(0)


def test_a_line_that_a_killed_dashboard_left_unfinished_is_dropped_by_the_next_append(path: Path) -> None:
    journal = Journal(path)
    journal.append_logs([LOG])
    sound = path.read_bytes()
    path.write_bytes(sound + b'{"op_code":3,"worker_id":"w","study')
    assert len(list(journal.read_logs(0))) == 1
    journal.append_logs([LOG])
    assert path.read_bytes().startswith(sound + b'{"op_code":7')
    assert len(list(Journal(path).read_logs(0))) == 2
