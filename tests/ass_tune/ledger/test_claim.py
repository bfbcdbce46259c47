"""One driver per study in a database that drivers of any folder and host can reach."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import optuna
import pytest
from optuna.storages import BaseStorage, RDBStorage

from ass_tune.ledger import claim
from ass_tune.ledger.claim import claim_holder, claimed
from ass_tune.ledger.lock import Holder, StudyBusy
from tests.support.mlflow_server import wait_until


@pytest.fixture
def database(tmp_path: Path) -> BaseStorage:
    return RDBStorage(f"sqlite:///{tmp_path / 'ledger.db'}")


def names(database: BaseStorage) -> list[str]:
    return optuna.get_all_study_names(database)


def leave_claim(database: BaseStorage, host: str, pid: int) -> None:
    left = optuna.create_study(storage=database, study_name="demo/driver")
    left.set_user_attr("holder", Holder(host=host, pid=pid, since=datetime.now(UTC)).model_dump(mode="json"))


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


def renewed_by(database: BaseStorage, beat: int) -> None:
    number = database.get_study_id_from_name("demo/driver")
    database.set_study_user_attr(number, "token", "theirs")
    database.set_study_user_attr(number, "beat", beat)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claim, "BEAT", 0.05)
    monkeypatch.setattr(claim, "LEASE", 0.5)


def test_a_claim_of_another_host_that_is_no_longer_renewed_is_taken_over(database: BaseStorage, short: None) -> None:
    leave_claim(database, "far-away", 1)
    renewed_by(database, 7)
    said: list[str] = []
    with claimed(database, "demo", said.append):
        assert names(database) == ["demo/driver"]
    assert names(database) == []
    assert len(said) == 1
    assert said[0].startswith("process 1 on far-away since ")
    assert said[0].endswith("; waiting for 0.5 s to see whether it is still alive")


def test_a_claim_of_another_host_that_is_renewed_is_respected(database: BaseStorage, short: None) -> None:
    leave_claim(database, "far-away", 1)
    renewed_by(database, 7)
    threading.Timer(0.2, renewed_by, (database, 8)).start()
    with pytest.raises(StudyBusy, match="on far-away since"):
        claimed(database, "demo").__enter__()


def test_a_driver_renews_its_claim_and_learns_that_another_one_has_taken_it(database: BaseStorage, short: None) -> None:
    lost = threading.Event()
    with claimed(database, "demo", lost=lost.set):
        number = database.get_study_id_from_name("demo/driver")
        wait_until(lambda: database.get_study_user_attrs(number).get("beat", 0) > 2)
        assert not lost.is_set()
        renewed_by(database, 0)
        assert lost.wait(30)
    assert names(database) == ["demo/driver"]  # which is the other one's now


def test_who_has_the_claim_can_be_asked(database: BaseStorage) -> None:
    assert claim_holder(database, "demo") is None
    with claimed(database, "demo"):
        found = claim_holder(database, "demo")
        assert found is not None and found.pid == os.getpid()
