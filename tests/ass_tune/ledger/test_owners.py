"""What other people do in the same journal is no damage, as long as it leaves our studies as they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import BaseStorage

from ass_tune.ledger.journal import Journal, LedgerDamaged
from ass_tune.ledger.ledger import entries_of, open_to_read, optuna_study
from tests.support.journals import optunas, ours, run_study
from trainables.mistakes import UserMistake


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.journal"


def joins(path: Path) -> None:
    optuna.create_study(study_name="s", storage=optunas(path), load_if_exists=True)


def joins_otherwise(path: Path) -> None:
    optuna.create_study(study_name="s", storage=optunas(path), load_if_exists=True, directions=["minimize", "minimize"])


def runs_a_study_of_their_own(path: Path) -> None:
    theirs = optuna.create_study(study_name="theirs", storage=optunas(path))
    theirs.set_user_attr("owner", "somebody")
    theirs.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
    for name in ("key", "note"):
        theirs.ask().set_user_attr(name, "a" * 16)


def deletes_a_study_of_their_own(path: Path) -> None:
    optuna.create_study(study_name="gone", storage=optunas(path))
    optuna.delete_study(study_name="gone", storage=optunas(path))


HARMLESS = [joins, joins_otherwise, runs_a_study_of_their_own, deletes_a_study_of_their_own]


@pytest.mark.parametrize("they", HARMLESS)
def test_ours_goes_on_as_if_nothing_had_been_written(path: Path, tmp_path: Path, they: Callable[[Path], None]) -> None:
    alone = tmp_path / "alone.journal"
    for file in (alone, path):
        storage = ours(file)
        study = run_study(storage)
        if file is path:
            they(path)
        study.tell(study.ask(), 1.0)
        if file is path:
            joins(path)
        study.tell(study.ask(), 0.5)
    expected = seen(ours(alone))
    for storage in (ours(path), ours(path, read_only=True), optunas(path)):
        assert seen(storage) == expected


def seen(storage: BaseStorage) -> list[tuple[Any, ...]]:
    """The trials of our study but for times and Optuna's own numbers of all trials of a file."""
    trials = storage.get_all_trials(storage.get_study_id_from_name("s"))
    return [(t.number, t.state, t.values, t.params, str(t.intermediate_values), t.user_attrs) for t in trials]


def test_other_peoples_trials_are_no_trials_of_the_ledger(path: Path) -> None:
    run_study(ours(path))
    runs_a_study_of_their_own(path)
    storage = open_to_read(path.parent)
    assert storage is not None
    assert entries_of(storage)["theirs"] == []


def begins_a_trial(study: optuna.Study) -> None:
    study.ask()


def queues_a_trial(study: optuna.Study) -> None:
    study.enqueue_trial({"lr": 0.5})


def sets_an_attribute(study: optuna.Study) -> None:
    study.set_user_attr("data", "other")


def deletes_it(study: optuna.Study) -> None:
    optuna.delete_study(study_name=study.study_name, storage=study._storage)


@pytest.mark.parametrize("they", [begins_a_trial, queues_a_trial, sets_an_attribute, deletes_it])
def test_a_change_of_our_study_is_refused_while_it_runs_and_after(
    path: Path, they: Callable[[optuna.Study], None]
) -> None:
    study = run_study(ours(path))
    runs_a_study_of_their_own(path)
    they(optuna.load_study(study_name="s", storage=optunas(path)))
    with pytest.raises(LedgerDamaged, match="another program changed this study"):
        study.ask()
    with pytest.raises(LedgerDamaged, match="another program changed this study"):
        list(Journal(path, read_only=True).read_logs(0))


@pytest.mark.parametrize(
    "line", [b'{"hello":1}\n', b'{"op_code":99,"worker_id":"w"}\n', b'{"op_code":0,"worker_id":"w"}\n']
)
def test_a_line_that_is_not_optunas_is_damage(path: Path, line: bytes) -> None:
    run_study(ours(path))
    with path.open("ab") as file:
        file.write(line)
    with pytest.raises(LedgerDamaged):
        Journal(path)


def test_a_study_of_our_name_that_somebody_made_with_another_direction_is_one_clear_error(path: Path) -> None:
    optuna.create_study(study_name="csa/all/tuning", storage=optunas(path), direction="minimize")
    with pytest.raises(UserMistake, match=r"'csa/all/tuning' .* \['minimize'\]; allowed: \['maximize'\]"):
        optuna_study(ours(path), "csa/all/tuning")
    optuna.create_study(study_name="csa/b/tuning", storage=optunas(path), direction="maximize")
    assert optuna_study(ours(path), "csa/b/tuning").trials == []


def test_a_file_that_is_removed_while_it_is_in_use_is_damage(path: Path) -> None:
    study = run_study(ours(path))
    path.unlink()
    with pytest.raises(LedgerDamaged, match="removed while it was in use"):
        study.trials  # noqa: B018
