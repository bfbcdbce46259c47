"""Small studies in journals, all that a storage holds of one, and processes that write and die."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend

from ass_tune.ledger.journal import Journal

# a fork of a test process that has run Ray would take over its locks without their holders
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.support.journals"])
LOG = {"op_code": 7, "worker_id": "w", "trial_id": 0, "step": 1, "intermediate_value": 0.5}


def ours(path: Path, *, read_only: bool = False) -> JournalStorage:
    return JournalStorage(Journal(path, read_only=read_only))


def optunas(path: Path) -> JournalStorage:
    return JournalStorage(JournalFileBackend(str(path)))


def run_study(storage: BaseStorage, trials: int = 4) -> optuna.Study:
    study = optuna.create_study(
        storage=storage,
        study_name="s",
        direction="maximize",
        sampler=optuna.samplers.TPESampler(n_startup_trials=2, seed=0),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=1),
    )
    study.enqueue_trial({"lr": 0.1})
    for number in range(trials):
        trial = study.ask()
        rate = trial.suggest_float("lr", 0.01, 1.0, log=True)
        trial.suggest_categorical("adaptor", ["ga", "joint", None])
        trial.set_user_attr("config", {"checksum": 1, "text": 'é\n","checksum":1}', "rates": [rate, 1e-300]})
        for step in range(3):
            trial.report(rate * step if number else float("nan"), step)
        study.tell(trial, rate)
    return study


def state(storage: BaseStorage, *, times: bool = False) -> dict[str, Any]:
    """All that a storage holds but what Optuna Dashboard added, as text: NaN is equal to itself then."""

    def shown(trial: optuna.trial.FrozenTrial) -> str:
        held = dict(vars(trial))
        for name in () if times else ("_datetime_start", "datetime_complete"):
            del held[name]
        return repr(held)

    studies = {study.study_name: study for study in storage.get_all_studies()}
    return {
        name: (
            study.directions,
            study.user_attrs,
            {key: value for key, value in study.system_attrs.items() if not key.startswith("dashboard:")},
            [shown(trial) for trial in storage.get_all_trials(study._study_id)],
        )
        for name, study in studies.items()
    }


def start(target: Callable[..., None], *arguments: Any) -> BaseProcess:
    process = PROCESSES.Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


def write_for_ever(path: Path, told: Connection) -> None:
    study = optuna.create_study(storage=ours(path), study_name="s", load_if_exists=True)
    trial = study.ask()
    for step in range(1_000_000):
        trial.report(step, step)
        told.send((trial.number, step))


def take_lock_and_die(take: Callable[[], object]) -> None:
    take()
    os.kill(os.getpid(), signal.SIGKILL)
