"""The ledger: Optuna's storage, the only place where the state of a study lives.

Each cell has two Optuna studies, one for its tuning trials and one for its replicates: suggestions and
pruning compare a tuning trial with tuning trials of its own cell and with nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from ass_tune.trial import Cell, End, Outcome, Stage
from trainables.config import Value
from trainables.storage import Storage

JOURNAL = "ledger.journal"


def open_storage(folder: Storage, url: str | None = None) -> BaseStorage:
    """The study folder's journal file, or a database shared by a team where a URL is given."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if url is not None:
        return RDBStorage(url)
    path = folder.local_path(JOURNAL)
    path.parent.mkdir(parents=True, exist_ok=True)
    return JournalStorage(JournalFileBackend(str(path)))


@dataclass(frozen=True)
class Entry:
    """What the ledger knows of one trial."""

    number: int
    key: str
    seed: int
    hyperparameters: Mapping[str, Value]
    config: Mapping[str, Any]
    outcome: Outcome | None
    """None while the trial runs."""
    select_miou: float | None
    """mIoU in percent of the last report; what the choice of the best configuration compares."""
    last_iteration: int
    result: Mapping[str, float]
    """Final metrics, `report/miou` among them; empty unless finished."""
    artifacts: tuple[str, ...]
    error: str | None


class Stratum:
    """The trials of one cell and stage: one Optuna study."""

    def __init__(self, storage: BaseStorage, study: str, cell: Cell, stage: Stage, pruner: BasePruner) -> None:
        self.name = f"{study}/{cell.name}/{stage}"
        self._study = optuna.create_study(
            storage=storage,
            study_name=self.name,
            direction="maximize",
            pruner=pruner,
            sampler=_CHOOSES_NOTHING,
            load_if_exists=True,
        )
        self._open: dict[int, optuna.Trial] = {}

    def entries(self) -> list[Entry]:
        """All trials that were begun, in order of number; those that ended before they began are left out."""
        return [_entry(trial) for trial in self._study.get_trials(deepcopy=False) if "key" in trial.user_attrs]

    def asked(self) -> int:
        """How many trials were begun or turned out duplicates; one that a dying driver asked for is asked for again."""
        trials = self._study.get_trials(deepcopy=False)
        return sum("key" in trial.user_attrs or "duplicate_of" in trial.user_attrs for trial in trials)

    def readopt(self) -> list[Entry]:
        """Take over the trials that a driver left running; those it had not begun are closed."""
        while self._study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
            self._study.ask()  # Optuna can close a queued trial only once it runs
        running = self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        for trial in running:
            if "key" not in trial.user_attrs:
                self._study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)
            else:
                self._open[trial.number] = optuna.Trial(self._study, trial._trial_id)
        return [_entry(trial) for trial in running if "key" in trial.user_attrs]

    def ask(self, sampler: BaseSampler) -> optuna.Trial:
        """Open a trial whose hyperparameters the sampler chooses; then `begin` or `discard` it."""
        self._study.sampler = sampler
        return self._remember(self._study.ask())

    def open(self, hyperparameters: Mapping[str, Value]) -> optuna.Trial:
        """Open a trial whose hyperparameters are decided; then `begin` or `discard` it."""
        # a sampler left from `ask` would fit its model for nothing
        self._study.sampler = _CHOOSES_NOTHING
        self._study.enqueue_trial(dict(hyperparameters))
        return self._remember(self._study.ask())

    def begin(self, number: int, key: str, seed: int, config: Mapping[str, Any]) -> None:
        """Record what runs. The key comes last: with it, the trial is one that a later driver re-adopts."""
        trial = self._open[number]
        trial.set_user_attr("seed", seed)
        trial.set_user_attr("config", dict(config))
        trial.set_user_attr("key", key)

    def discard(self, number: int, duplicate_of: str) -> None:
        """Close a trial that the sampler suggested a second time; it is not trained."""
        self._open.pop(number).set_user_attr("duplicate_of", duplicate_of)
        self._study.tell(number, state=TrialState.FAIL)

    def report(self, number: int, iteration: int, miou: float) -> None:
        """Record the select-split mIoU at an iteration."""
        self._open[number].report(miou, step=iteration)

    def pruner_would_stop(self, number: int) -> bool:
        """Whether the pruner, given all that the cell's trials reported, gives up on this one."""
        return self._open[number].should_prune()

    def end(self, number: int, end: End, select_miou: float | None) -> None:
        """Record the outcome; a pruned trial keeps the value of its last report, as in Optuna."""
        trial = self._open.pop(number)
        if end.metrics:
            trial.set_user_attr("result", dict(end.metrics))
        if end.artifacts:
            trial.set_user_attr("artifacts", list(end.artifacts))
        if end.error:
            trial.set_user_attr("error", end.error)
        self._study.tell(number, select_miou if end.outcome is Outcome.FINISHED else None, state=_STATES[end.outcome])

    def _remember(self, trial: optuna.Trial) -> optuna.Trial:
        self._open[trial.number] = trial
        return trial


_CHOOSES_NOTHING = optuna.samplers.RandomSampler(seed=0)
"""For trials whose hyperparameters are decided."""
_STATES = {Outcome.FINISHED: TrialState.COMPLETE, Outcome.PRUNED: TrialState.PRUNED, Outcome.FAILED: TrialState.FAIL}
_OUTCOMES = {state: outcome for outcome, state in _STATES.items()}


def _entry(trial: FrozenTrial) -> Entry:
    attributes = trial.user_attrs
    last = max(trial.intermediate_values, default=0)
    return Entry(
        number=trial.number,
        key=attributes["key"],
        seed=attributes["seed"],
        hyperparameters=trial.params,
        config=attributes["config"],
        outcome=_OUTCOMES.get(trial.state),
        select_miou=trial.intermediate_values.get(last),
        last_iteration=last,
        result=attributes.get("result", {}),
        artifacts=tuple(attributes.get("artifacts", ())),
        error=attributes.get("error"),
    )
