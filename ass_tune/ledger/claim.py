"""One driver per study where the ledger is a database, which drivers on any host can reach."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

import optuna
from filelock import FileLock
from optuna.exceptions import DuplicatedStudyError, StorageInternalError
from optuna.storages import BaseStorage

from ass_tune.ledger.lock import Holder, StudyBusy, may_live
from trainables.cache import cache_folder

_TRIES, _PAUSE = 40, 0.05
"""How long to wait for a driver that has the claim and has not yet written its name into it."""


@contextmanager
def claimed(storage: BaseStorage, study: str) -> Generator[None]:
    """Be the only driver of a study in a database, marked by an Optuna study `STUDY/driver` for as long as it runs.

    The database lets only one process create it. A claim left by a driver that died on this host is taken over. A
    driver on another host cannot be checked from here and counts as alive. Raises StudyBusy.
    """
    name = f"{study}/driver"
    cache_folder().mkdir(parents=True, exist_ok=True)
    # two drivers on this host that both find a dead one must not delete each other's claim
    with FileLock(cache_folder() / "claims.lock"):
        _make(storage, name, study)
    try:
        yield
    finally:
        with suppress(StorageInternalError):  # of a database that is away; the next driver on this host takes it over
            _drop(storage, name)


def _make(storage: BaseStorage, name: str, study: str) -> None:
    ours = Holder(host=socket.gethostname(), pid=os.getpid(), since=datetime.now(UTC))
    holder: Holder | None = None
    for _ in range(_TRIES):
        try:
            claim = optuna.create_study(storage=storage, study_name=name)
        except DuplicatedStudyError:
            holder = _holder(storage, name)
            if holder is not None and may_live(holder):
                break
            if holder is not None:
                _drop(storage, name)
            else:
                time.sleep(_PAUSE)
        else:
            return claim.set_user_attr("holder", ours.model_dump(mode="json"))
    raise StudyBusy(study, holder, f"if that process is gone, delete the Optuna study {name} of the ledger")


def _holder(storage: BaseStorage, name: str) -> Holder | None:
    try:
        found = optuna.load_study(storage=storage, study_name=name).user_attrs.get("holder")
    except KeyError:
        return None
    return None if found is None else Holder.model_validate(found)


def _drop(storage: BaseStorage, name: str) -> None:
    with suppress(KeyError):
        optuna.delete_study(study_name=name, storage=storage)
