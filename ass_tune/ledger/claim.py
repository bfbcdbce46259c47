"""One driver per study where the ledger is a database, which drivers on any host can reach."""

from __future__ import annotations

import hashlib
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

import optuna
from filelock import FileLock
from optuna.exceptions import DuplicatedStudyError, StorageInternalError
from optuna.storages import BaseStorage

from ass_tune.ledger.lock import Holder, StudyBusy, may_live
from trainables.cache import cache_folder

logger = logging.getLogger(__name__)
_TRIES, _PAUSE = 40, 0.05
"""How long to wait for a driver that has the claim and has not yet written its name into it."""
BEAT = 10.0
"""Seconds after which a driver says again that it is alive."""
LEASE = 60.0
"""A driver on another host that has said nothing for so many seconds is gone."""


class Claim:
    """A driver's claim, which it renews for as long as it lives.

    Args:
        storage: the ledger.
        name: of the Optuna study that is the claim.
        token: what only this driver writes into it.
        lost: is called once another driver has taken the study over.
    """

    def __init__(self, storage: BaseStorage, name: str, token: str, lost: Callable[[], None]) -> None:
        self._storage, self._name, self._token, self._lost = storage, name, token, lost
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="claim", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Renew it no longer."""
        self._stop.set()
        self._thread.join(1.0)

    def _run(self) -> None:
        beat = 0
        while not self._stop.wait(BEAT):
            beat += 1
            try:
                if not self._renew(beat):
                    logger.warning("another driver has taken the study over: this one stops")
                    self._lost()
                    return
            except Exception:  # a database that is away; whether the claim is still ours shows when it is back
                continue

    def _renew(self, beat: int) -> bool:
        try:
            number = self._storage.get_study_id_from_name(self._name)
            if self._storage.get_study_user_attrs(number).get("token") != self._token:
                return False
            self._storage.set_study_user_attr(number, "beat", beat)
        except KeyError:
            return False
        return True


@contextmanager
def claimed(
    storage: BaseStorage,
    study: str,
    say: Callable[[str], None] = lambda line: None,
    lost: Callable[[], None] = lambda: None,
) -> Generator[None]:
    """Be the only driver of a study in a database, marked by an Optuna study `STUDY/driver` for as long as it runs.

    The database lets only one process create it. A claim left by a driver that died on this host is taken over at once,
    one of another host when it has not been renewed for `LEASE` seconds. Raises StudyBusy.

    Args:
        storage: the ledger.
        study: its name.
        say: is told what is waited for.
        lost: is called, from another thread, if another driver takes the study over: this one was away for too long.
    """
    name, token = f"{study}/driver", uuid.uuid4().hex
    cache_folder().mkdir(parents=True, exist_ok=True)
    # two drivers on this host that both find a dead one must not delete each other's claim
    with FileLock(cache_folder() / f"claim-{hashlib.sha256(study.encode()).hexdigest()[:16]}.lock"):
        _make(storage, name, study, token, say)
    claim = Claim(storage, name, token, lost)
    try:
        yield
    finally:
        claim.close()
        with suppress(StorageInternalError):  # of a database that is away; the next driver takes it over
            if _attributes(storage, name).get("token") == token:
                _drop(storage, name)


def claim_holder(storage: BaseStorage, study: str) -> Holder | None:
    """The driver that has claimed a study in a database, as far as this host can tell whether it is alive."""
    found = _holder(_attributes(storage, f"{study}/driver"))
    return found if found is not None and may_live(found) else None


def _make(storage: BaseStorage, name: str, study: str, token: str, say: Callable[[str], None]) -> None:
    ours = Holder(host=socket.gethostname(), pid=os.getpid(), since=datetime.now(UTC))
    holder: Holder | None = None
    for _ in range(_TRIES):
        try:
            claim = optuna.create_study(storage=storage, study_name=name)
        except DuplicatedStudyError:
            attributes = _attributes(storage, name)
            holder = _holder(attributes)
            if holder is None:
                time.sleep(_PAUSE)
            elif may_live(holder) and not _is_silent(storage, name, holder, say):
                break
            elif _attributes(storage, name).get("token") == attributes.get("token"):
                _drop(storage, name)
        else:
            claim.set_user_attr("token", token)
            return claim.set_user_attr("holder", ours.model_dump(mode="json"))
    raise StudyBusy(study, holder, f"if that process is gone, delete the Optuna study {name} of the ledger")


def _is_silent(storage: BaseStorage, name: str, holder: Holder, say: Callable[[str], None]) -> bool:
    """Whether a driver on another host renews its claim no more; one on this host that exists is alive."""
    before = _attributes(storage, name)
    if holder.host == socket.gethostname() or "token" not in before:
        return False
    say(f"{holder} has the study; waiting for {LEASE:g} s to see whether it is still alive")
    until = time.monotonic() + LEASE
    while time.monotonic() < until:
        time.sleep(min(1.0, LEASE / 10))
        if _attributes(storage, name) != before:
            return False
    return True


def _attributes(storage: BaseStorage, name: str) -> dict[str, object]:
    """What a claim says; nothing where there is none."""
    try:
        return storage.get_study_user_attrs(storage.get_study_id_from_name(name))
    except KeyError:
        return {}


def _holder(attributes: dict[str, object]) -> Holder | None:
    found = attributes.get("holder")
    return None if found is None else Holder.model_validate(found)


def _drop(storage: BaseStorage, name: str) -> None:
    with suppress(KeyError):
        optuna.delete_study(study_name=name, storage=storage)
