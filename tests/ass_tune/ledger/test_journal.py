"""The ledger's file is Optuna's journal, shared with Optuna Dashboard and with nothing else."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from optuna.storages.journal._base import BaseJournalSnapshot

from ass_tune.ledger.journal import Journal, LedgerDamaged, LedgerError
from tests.support.full_disk import no_file_larger_than
from tests.support.journals import LOG, optunas, ours, run_study, state


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.journal"


def test_a_study_is_the_one_that_optunas_own_file_would_hold(path: Path, tmp_path: Path) -> None:
    run_study(ours(path))
    run_study(optunas(tmp_path / "peer"))
    assert state(ours(path)) == state(optunas(tmp_path / "peer"))


def test_optunas_own_backend_loads_the_study(path: Path) -> None:
    ledger = ours(path)
    run_study(ledger)
    study = optuna.load_study(study_name="s", storage=optunas(path))
    assert len(study.trials) == 4
    assert state(optunas(path), times=True) == state(ledger, times=True)


def test_a_journal_is_no_place_for_optunas_pickled_snapshots() -> None:
    assert not issubclass(Journal, BaseJournalSnapshot)


def test_writers_and_readers_see_each_others_lines(path: Path) -> None:
    one, other, reader = ours(path), ours(path), ours(path, read_only=True)
    study = optuna.create_study(storage=one, study_name="s")
    for number in range(3):
        assert study.ask().number == 2 * number
        assert optuna.load_study(study_name="s", storage=other).ask().number == 2 * number + 1
        assert len(reader.get_all_trials(0)) == 2 * number + 2
    assert state(ours(path), times=True) == state(reader, times=True) == state(one, times=True)


def test_reading_starts_at_any_line(path: Path) -> None:
    journal = Journal(path)
    journal.append_logs([{**LOG, "step": step} for step in range(5)])
    for start in (3, 0, 5, 2):
        assert [log["step"] for log in journal.read_logs(start)] == list(range(start, 5))


def test_what_optuna_dashboard_notes_is_part_of_the_study(path: Path) -> None:
    dashboard = pytest.importorskip("optuna_dashboard")
    ledger, theirs = ours(path), optunas(path)
    study = optuna.create_study(storage=ledger, study_name="s")
    shown = optuna.load_study(study_name="s", storage=theirs)
    for number in range(3):
        trial = study.ask()
        dashboard.save_note(shown, f"note {number}")
        dashboard.save_note(optuna.Trial(shown, number), "of a trial")
        theirs.set_trial_system_attr(trial._trial_id, "artifacts:0", "{}")
        study.tell(trial, number)
    again = optuna.load_study(study_name="s", storage=ours(path))
    assert dashboard.get_note(again) == "note 2"
    assert again._storage.get_study_system_attrs(0)["dashboard:1:note_str:0"] == "of a trial"
    assert [trial.value for trial in again.trials] == [0, 1, 2]


def user_attribute(study: optuna.Study, trial: optuna.Trial) -> None:
    trial.set_user_attr("config", {})


def pickled_optimizer(study: optuna.Study, trial: optuna.Trial) -> None:
    study._storage.set_trial_system_attr(trial._trial_id, "cma:optimizer:0", "80")


def end(study: optuna.Study, trial: optuna.Trial) -> None:
    study.tell(trial, 1.0)


@pytest.mark.parametrize("write", [user_attribute, pickled_optimizer, end])
def test_what_else_another_program_writes_is_refused_and_can_be_removed(
    path: Path, write: Callable[[optuna.Study, optuna.Trial], None]
) -> None:
    study = optuna.create_study(storage=ours(path), study_name="s")
    number = study.ask().number
    before = path.read_bytes()
    other = optuna.load_study(study_name="s", storage=optunas(path))
    write(other, optuna.Trial(other, number))
    after = path.read_bytes()
    with pytest.raises(LedgerDamaged, match=r"ledger.journal, line 3: another program changed this study .* sed -i 3d"):
        Journal(path)
    with pytest.raises(LedgerDamaged):
        study.ask()
    assert path.read_bytes() == after
    path.write_bytes(before)
    assert ours(path).get_n_trials(0) == 1


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"null",
        b"[]",
        b"\xff\x00",
        b"[" * 100_000,
        b'{"op_code":[],"worker_id":"w","study_id":0,"system_attr":{"dashboard:x":1}}',
        b'{"op_code":3,"worker_id":"w","study_id":[],"system_attr":{"dashboard:x":1}}',
        b'{"op_code":3,"worker_id":"w","study_id":0,"system_attr":{"dashboard:x":1,"other":2}}',
        b'{"op_code":3,"worker_id":"w","study_id":0,"system_attr":{}}',
        b'{"op_code":3,"worker_id":"w","study_id":0,"system_attr":[]}',
        b'{"op_code":3,"worker_id":"w","study_id":0,"system_attr":{"dashboard:x":1},"checksum":1}',
        b'{"op_code":9,"worker_id":"w","study_id":0,"system_attr":{"dashboard:x":1}}',
        b'{"op_code":8,"worker_id":"w","trial_id":0,"user_attr":{"dashboard:x":1}}',
        b'{"op_code":7,"worker_id":"w","trial_id":0,"step":1,"intermediate_value":0.5}',
    ],
    ids=lambda line: line[:70].decode(errors="replace"),
)
def test_a_line_that_is_neither_ours_nor_a_note_is_refused(path: Path, line: bytes) -> None:
    optuna.create_study(storage=ours(path), study_name="s").ask()
    path.write_bytes(path.read_bytes() + line + b"\n")
    with pytest.raises(LedgerDamaged, match="line 3: "):
        Journal(path)


def test_a_reader_makes_nothing_and_writes_nothing(path: Path) -> None:
    reader = Journal(path, read_only=True)
    with pytest.raises(FileNotFoundError):
        list(reader.read_logs(0))
    assert not path.exists()
    Journal(path).append_logs([LOG])
    before = path.read_bytes()
    with pytest.raises(io.UnsupportedOperation, match="for reading only"):
        reader.append_logs([LOG])
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_full_disk_is_a_clear_error_and_leaves_the_journal_whole(path: Path) -> None:
    ledger = ours(path)
    study = optuna.create_study(storage=ledger, study_name="s")
    trial, step = study.ask(), 0
    with (
        no_file_larger_than(4096),
        pytest.raises(LedgerError, match=r"cannot write to the ledger .*ledger\.journal: File too large"),
    ):
        while step < 4096:
            trial.report(step, step)
            step += 1
    assert len(trial.storage.get_trial(0).intermediate_values) == step > 10
    assert path.read_bytes().endswith(b"}\n")
    assert state(ours(path), times=True) == state(ledger, times=True)
    trial.report(step, step)
    assert len(ours(path).get_trial(0).intermediate_values) == step + 1
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_folder_that_is_gone_is_a_clear_error(path: Path) -> None:
    with pytest.raises(LedgerError, match=r"cannot write to the ledger .*: No such file or directory"):
        Journal(path / "ledger.journal")
