"""One driver per study in a database that drivers of any folder and host can reach."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import optuna
import pytest
from optuna.storages import BaseStorage, RDBStorage

from ass_tune.ledger.claim import claimed
from ass_tune.ledger.lock import Holder, StudyBusy


@pytest.fixture
def database(tmp_path: Path) -> BaseStorage:
    return RDBStorage(f"sqlite:///{tmp_path / 'ledger.db'}")


def names(database: BaseStorage) -> list[str]:
    return optuna.get_all_study_names(database)


def leave_claim(database: BaseStorage, host: str, pid: int) -> None:
    claim = optuna.create_study(storage=database, study_name="demo/driver")
    claim.set_user_attr("holder", Holder(host=host, pid=pid, since=datetime.now(UTC)).model_dump(mode="json"))


def test_the_second_driver_is_told_of_the_first_and_may_come_after_it(database: BaseStorage) -> None:
    with claimed(database, "demo"):
        with pytest.raises(StudyBusy, match=f"study demo is being run by process {os.getpid()} on "):
            claimed(database, "demo").__enter__()
        with claimed(database, "other"):
            assert sorted(names(database)) == ["demo/driver", "other/driver"]
    with claimed(database, "demo"):
        pass
    assert names(database) == []


def test_a_claim_is_given_back_after_an_error(database: BaseStorage) -> None:
    with pytest.raises(RuntimeError), claimed(database, "demo"):
        raise RuntimeError
    assert names(database) == []


def test_a_claim_of_a_driver_that_died_on_this_host_is_taken_over(database: BaseStorage) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    leave_claim(database, socket.gethostname(), dead.pid)
    with claimed(database, "demo"):
        [name] = names(database)
        holder = optuna.load_study(storage=database, study_name=name).user_attrs["holder"]
        assert holder["pid"] == os.getpid()


def test_a_driver_on_another_host_may_live_and_the_error_says_what_to_do_if_not(database: BaseStorage) -> None:
    leave_claim(database, "far-away", 1)
    with pytest.raises(StudyBusy, match=r"on far-away since .* delete the Optuna study demo/driver of the ledger"):
        claimed(database, "demo").__enter__()
