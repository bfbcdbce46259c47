"""The ledger: Optuna's storage, the only place where the state of a study lives.

Each cell has two Optuna studies, one for its tuning trials and one for its replicates: suggestions and
pruning compare a tuning trial with tuning trials of its own cell and with nothing else.
"""

from __future__ import annotations

import os
import signal
import time
import warnings
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler, RandomSampler
from optuna.storages import BaseStorage, RDBStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from ass_tune.ledger.bulk_read import BulkReadStorage
from ass_tune.ledger.claim import claimed
from ass_tune.ledger.journal import Journal
from ass_tune.trial import End, Trial
from trainables.config import Value
from trainables.credentials import keep_secret, without_credentials
from trainables.mistakes import UserMistake, missing_driver
from trainables.objective import MIOU, Objective, chosen_by
from trainables.storage import Storage
from trainables.words import Cell, Outcome, Stage

JOURNAL = "ledger.journal"

_OPENINGS, _PAUSE = 10, 0.5
_MADE_MEANWHILE = ("already exists", "duplicate key")
"""In what databases say where another process makes the same tables."""

CHOOSES_NOTHING = RandomSampler(seed=0)
"""The sampler of trials whose hyperparameters are given."""


@contextmanager
def open_ledger(
    folder: Storage, study: str, url: str | None = None, say: Callable[[str], None] = lambda line: None
) -> Generator[BaseStorage]:
    """The study folder's journal file, or a database shared by a team where a URL is given, for its only driver.

    The caller holds the folder's lock; `say` is told what else is waited for. Raises LedgerDamaged, StudyBusy, or
    UserMistake for a database that cannot open. If another driver takes over a study in a database, because this one
    was away for too long, the process is interrupted as by Ctrl-C.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if url is None:
        yield open_journal(folder)
        return
    database = _database(url)
    with claimed(database, study, say, lost=lambda: os.kill(os.getpid(), signal.SIGINT)):
        yield database


def open_journal(folder: Storage) -> BaseStorage:
    """The study folder's journal file, created if needed, for its only driver. Raises LedgerDamaged, LedgerError."""
    path = folder.local_path(JOURNAL)
    path.parent.mkdir(parents=True, exist_ok=True)
    return BulkReadStorage(Journal(path, reads_next=True))


def _database(url: str) -> RDBStorage:
    keep_secret(url)
    try:
        return _opened(url)
    except ImportError as error:
        raise _cannot_open(url, missing_driver(error)) from None
    except (ValueError, SQLAlchemyError, StorageInternalError) as error:
        raise _cannot_open(url, str(error).strip().splitlines()[0]) from None


def _opened(url: str) -> RDBStorage:
    """Optuna makes its tables in an empty database, where two drivers that do so at once are in each other's way."""
    for _ in range(_OPENINGS - 1):
        try:
            return RDBStorage(url)
        except SQLAlchemyError as error:
            if not any(made in str(error) for made in _MADE_MEANWHILE):
                raise
            time.sleep(_PAUSE)
    return RDBStorage(url)


def _cannot_open(url: str, reason: str) -> UserMistake:
    return UserMistake(f"the ledger {without_credentials(url)} cannot be opened: {without_credentials(reason)}")


def open_to_read(folder: Path, url: str | None = None) -> BaseStorage | None:
    """The ledger of a study folder for reading; None where there is none. Nothing is written or created."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if url is not None:
        return _database(url)
    journal = folder / JOURNAL
    return BulkReadStorage(Journal(journal, read_only=True)) if journal.is_file() else None


def optuna_study(
    storage: BaseStorage, name: str, pruner: BasePruner | None = None, objective: Objective = MIOU
) -> optuna.Study:
    """The Optuna study of a name, created if needed. Optuna's `load_if_exists` would write to the journal each time."""
    try:
        study = optuna.load_study(study_name=name, storage=storage, sampler=CHOOSES_NOTHING, pruner=pruner)
        if study.directions != [StudyDirection[objective.direction.upper()]]:
            raise UserMistake(
                f"another program made the Optuna study '{name}' in the ledger with directions "
                f"{[str(direction.name).lower() for direction in study.directions]}; allowed: "
                f"['{objective.direction}']. Delete it there, or give this study another name: --set study=NAME"
            )
        return study
    except KeyError:
        study = optuna.create_study(
            study_name=name, storage=storage, sampler=CHOOSES_NOTHING, pruner=pruner, direction=objective.direction
        )
        with warnings.catch_warnings(action="ignore", category=ExperimentalWarning):
            study.set_metric_names([objective.select])  # what axes of Optuna's plots are called
        return study


def stratum_name(study: str, cell: Cell, stage: Stage) -> str:
    """Name of the Optuna study that holds the trials of one cell and stage."""
    return f"{study}/{cell.name}/{stage}"


@dataclass(frozen=True, slots=True)
class Entry:
    """What the ledger knows of one trial."""

    number: int
    key: str
    seed: int
    hyperparameters: Mapping[str, Value]
    config: Mapping[str, Any]
    outcome: Outcome | None
    """None while the trial runs."""
    curve: Mapping[int, float]
    """The objective on the select split by iteration."""
    result: Mapping[str, float]
    """Final metrics, the objective on the report split among them; empty unless finished."""
    artifacts: tuple[str, ...]
    error: str | None
    reused_from: str | None
    ended: float
    """Seconds since the epoch; 0 while it runs."""
    starts: int = 1
    """How many runs of the study have started it; each one after the first because it had failed."""

    @property
    def last_iteration(self) -> int:
        """Iteration of the last report."""
        return max(self.curve, default=0)

    @property
    def select_value(self) -> float | None:
        """What the choice of the best configuration compares: the objective on the select split.

        That of the snapshot that a finished trial reports, else that of the last report.
        """
        of_snapshot = chosen_by(self.result)
        return self.curve.get(self.last_iteration) if of_snapshot is None else of_snapshot


def count_outcomes(entries: Iterable[Entry]) -> Counter[Outcome | None]:
    """How many trials ended how; None counts those that have not ended."""
    return Counter(entry.outcome for entry in entries)


class Stratum:
    """The trials of one cell and stage: one Optuna study."""

    def __init__(
        self,
        storage: BaseStorage,
        study: str,
        cell: Cell,
        stage: Stage,
        pruner: BasePruner,
        objective: Objective = MIOU,
    ) -> None:
        self.name = stratum_name(study, cell, stage)
        self._study = optuna_study(storage, self.name, pruner, objective)
        self._storage, self._id = storage, storage.get_study_id_from_name(self.name)
        self._open: dict[int, optuna.Trial] = {}
        self._ended: dict[int, Entry] = {}
        """By number; they do not change any more."""

    def entries(self) -> list[Entry]:
        """All trials that were started, in the order of their first start; of a retried trial the last try."""
        return _entries(self._study.get_trials(deepcopy=False), self._ended)

    def entry(self, number: int) -> Entry:
        """The entry of one trial that was started."""
        return _entry(self._storage.get_trial(self._trial_id(number)))

    def asked(self, seed: int) -> int:
        """How many suggestions were started or were duplicates. One that a driver died over does not count.

        Suggestions are trained under `seed` first; the same configurations under further seeds do not count.
        """
        attributes = [trial.user_attrs for trial in self._study.get_trials(deepcopy=False)]
        started = {a["key"] for a in attributes if "key" in a and a["seed"] == seed}
        return len(started) + sum("duplicate_of" in a for a in attributes)

    def readopt(self) -> list[Entry]:
        """Take over the trials that a driver left running; those that it had asked for but not started are closed."""
        while self._study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
            self._study.ask()  # Optuna can close a queued trial only once it runs
        running = self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        for trial in running:
            if "key" not in trial.user_attrs:
                self._study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)
            else:
                self._open[trial.number] = optuna.Trial(self._study, self._trial_id(trial.number))
        return [_entry(trial) for trial in running if "key" in trial.user_attrs]

    def ask(self, sampler: BaseSampler) -> optuna.Trial:
        """Open a trial whose hyperparameters the sampler chooses; then `begin` or `discard` it."""
        self._study.sampler = sampler
        return self._remember(self._study.ask())

    def open(self, hyperparameters: Mapping[str, Value]) -> optuna.Trial:
        """Open a trial with given hyperparameters; then `begin` or `discard` it."""
        # the sampler of the last `ask` would fit its model, which is not needed here
        self._study.sampler = CHOOSES_NOTHING
        self._study.enqueue_trial(dict(hyperparameters))
        return self._remember(self._study.ask())

    def begin(self, number: int, key: str, seed: int, config: Mapping[str, Any]) -> None:
        """Record what runs. The key is written last: a later driver takes over exactly the trials that have one."""
        trial = self._open[number]
        trial.set_user_attr("seed", seed)
        trial.set_user_attr("config", dict(config))
        trial.set_user_attr("key", key)

    def discard(self, number: int, duplicate_of: str) -> None:
        """Close a trial that the sampler suggested a second time; it is not trained."""
        self._open.pop(number).set_user_attr("duplicate_of", duplicate_of)
        self._study.tell(number, state=TrialState.FAIL)

    def report(self, number: int, iteration: int, value: float) -> None:
        """Record the objective on the select split at an iteration."""
        self._open[number].report(value, step=iteration)

    def pruner_would_stop(self, number: int) -> bool:
        """Whether the pruner would stop this trial, given all reports of the cell's trials."""
        return self._open[number].should_prune()

    def end(self, ended: Trial, end: End, select_value: float | None) -> None:
        """Record the outcome; a pruned trial keeps the value of its last report, as in Optuna.

        The value of a finished one is what the choice compares (see `Entry.select_value`).
        """
        trial = self._open.pop(ended.number)
        about = {
            "result": dict(end.metrics),
            "artifacts": list(end.artifacts),
            "error": end.error,
            "reused_from": ended.reused_from,
            "diverged": end.outcome is Outcome.DIVERGED,
        }
        for name, value in about.items():
            if value:
                trial.set_user_attr(name, value)
        of_snapshot = chosen_by(end.metrics)
        reached = select_value if of_snapshot is None else of_snapshot
        value = reached if end.outcome is Outcome.FINISHED else None
        self._study.tell(ended.number, value, state=_STATES[end.outcome])

    def _trial_id(self, number: int) -> int:
        return self._storage.get_trial_id_from_study_id_trial_number(self._id, number)

    def _remember(self, trial: optuna.Trial) -> optuna.Trial:
        self._open[trial.number] = trial
        return trial


_STATES = {
    Outcome.FINISHED: TrialState.COMPLETE,
    Outcome.PRUNED: TrialState.PRUNED,
    Outcome.DIVERGED: TrialState.PRUNED,  # so that samplers take the configuration for a bad one
    Outcome.FAILED: TrialState.FAIL,
}
_OUTCOMES = {TrialState.COMPLETE: Outcome.FINISHED, TrialState.PRUNED: Outcome.PRUNED, TrialState.FAIL: Outcome.FAILED}


_BEGUN = {"key", "seed", "config"}
"""Attributes of every trial that was started."""


def entries_of(storage: BaseStorage) -> dict[str, list[Entry]]:
    """All entries of a ledger, by the name of the stratum; changes nothing."""
    return {study.study_name: _stored(storage, study.study_name) for study in storage.get_all_studies()}


def has_trials(storage: BaseStorage, study: str) -> bool:
    """Whether any trial of a study was started."""
    names = (found.study_name for found in storage.get_all_studies())
    return any(_stored(storage, name) for name in names if name.startswith(f"{study}/"))


def _stored(storage: BaseStorage, stratum: str) -> list[Entry]:
    return _entries(storage.get_all_trials(storage.get_study_id_from_name(stratum), deepcopy=False), {})


def _entries(trials: Iterable[FrozenTrial], ended: dict[int, Entry]) -> list[Entry]:
    """The last entry of each key; those of trials that have ended are looked up in `ended` and added to it."""
    by_key: dict[str, Entry] = {}
    for trial in trials:
        if (entry := ended.get(trial.number)) is None:
            if not trial.user_attrs.keys() >= _BEGUN:  # other people's trials, in a ledger that is shared, lack them
                continue
            earlier = by_key.get(trial.user_attrs["key"])
            entry = _entry(trial, 1 if earlier is None else earlier.starts + 1)
            if entry.outcome is not None:
                ended[trial.number] = entry
        by_key[entry.key] = entry
    return list(by_key.values())


def _entry(trial: FrozenTrial, starts: int = 1) -> Entry:
    attributes = trial.user_attrs
    return Entry(
        number=trial.number,
        key=attributes["key"],
        seed=attributes["seed"],
        hyperparameters=trial.params,
        config=attributes["config"],
        outcome=_outcome(trial),
        curve=trial.intermediate_values,
        result=attributes.get("result", {}),
        artifacts=tuple(attributes.get("artifacts", ())),
        error=attributes.get("error"),
        reused_from=attributes.get("reused_from"),
        ended=trial.datetime_complete.timestamp() if trial.datetime_complete else 0.0,
        starts=starts,
    )


def _outcome(trial: FrozenTrial) -> Outcome | None:
    outcome = _OUTCOMES.get(trial.state)
    return Outcome.DIVERGED if outcome is Outcome.PRUNED and "diverged" in trial.user_attrs else outcome
