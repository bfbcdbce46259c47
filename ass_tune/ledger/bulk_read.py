"""Optuna's journal storage with a faster start: a long journal is parsed many lines at a time and applied in place.

Optuna copies the trial for every line that says something of it, and parses each distribution anew: that anybody may
hold a trial is true of a storage in use, but not of one that is being opened.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal._storage import JournalOperation, JournalStorageReplayResult
from optuna.trial import FrozenTrial, TrialState

from ass_tune.ledger.journal import Journal


class BulkReadStorage(JournalStorage):
    """A journal storage that holds what Optuna's would hold, and differs in how long it takes to be opened."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        super().__init__(journal)

    def settle_in_groups(self) -> None:
        """From now on wait for the disk when a trial ends, and whenever `settle` is called, not at each line."""
        self._journal.in_groups = True

    def settle(self) -> None:
        """Bring to the disk what is not there yet."""
        self._journal.settle()

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        """As Optuna does, and bring the end of a trial to the disk: its checkpoints are deleted next."""
        changed = super().set_trial_state_values(trial_id, state, values)
        if state.is_finished():
            self._journal.settle()
        return changed

    def _sync_with_backend(self) -> None:
        if self._replay_result.log_number_read == 0:
            replay = BulkReplay(self._worker_id_prefix)
            replay.apply_in_bulk(self._journal.read_in_bulk())
            self._replay_result = replay
        super()._sync_with_backend()


class BulkReplay(JournalStorageReplayResult):
    """What a journal says, applied much faster as long as nobody has seen it."""

    def apply_in_bulk(self, bulks: Iterable[list[dict[str, Any]]]) -> None:
        """Apply logs to content that nobody has seen yet, with the result of Optuna's `apply_logs`."""
        compatible: dict[tuple[int, str, str], BaseDistribution] = {}
        with _no_search_for_garbage():
            for logs in bulks:
                for log in logs:
                    operation = log["op_code"]
                    if operation not in _OF_A_TRIAL:
                        self.apply_logs((log,))
                        continue
                    trial = self._trials.get(log["trial_id"])
                    if trial is None or trial.state in _ENDED:  # ended ones are not changed any more
                        pass
                    elif (apply := _APPLY.get(operation)) is not None:
                        apply(trial, log)
                    else:
                        self._set_parameter(trial, log, compatible)
                    self.log_number_read += 1

    def _set_parameter(
        self, trial: FrozenTrial, log: dict[str, Any], compatible: dict[tuple[int, str, str], BaseDistribution]
    ) -> None:
        """Set a parameter of a trial.

        Optuna compares each distribution with the parameter's first one in the study, so that what was accepted once
        always is: these are in `compatible`, by study, parameter and text, and are shared by the trials.
        """
        number, name = log["trial_id"], log["param_name"]
        known = self._trial_id_to_study_id[number], name, log["distribution"]
        if (distribution := compatible.get(known)) is not None:
            trial.params[name] = distribution.to_external_repr(log["param_value_internal"])
            trial.distributions[name] = distribution
            return
        self._apply_set_trial_param(log)  # puts a copy of the trial in its place, unless it is refused
        if (accepted := self._trials[number]) is not trial:
            compatible[known] = accepted.distributions[name]


@contextmanager
def _no_search_for_garbage() -> Generator[None]:
    """Python would look through millions of objects again and again while they become more, and all of them stay."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


_ENDED = frozenset(state for state in TrialState if state.is_finished())


def _set_intermediate_value(trial: FrozenTrial, log: dict[str, Any]) -> None:
    trial.intermediate_values[log["step"]] = log["intermediate_value"]


def _set_user_attribute(trial: FrozenTrial, log: dict[str, Any]) -> None:
    trial.user_attrs.update(log["user_attr"])


def _set_system_attribute(trial: FrozenTrial, log: dict[str, Any]) -> None:
    trial.system_attrs.update(log["system_attr"])


def _set_state_and_values(trial: FrozenTrial, log: dict[str, Any]) -> None:
    state = TrialState(log["state"])
    if state is TrialState.RUNNING:
        if trial.state is TrialState.RUNNING:
            return
        trial.datetime_start = _local_time(log["datetime_start"])
    if state in _ENDED:
        trial.datetime_complete = _local_time(log["datetime_complete"])
    trial.state = state
    if log["values"] is not None:
        trial.values = log["values"]


def _local_time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone().replace(tzinfo=None)


_APPLY: Mapping[int, Callable[[FrozenTrial, dict[str, Any]], None]] = {
    JournalOperation.SET_TRIAL_INTERMEDIATE_VALUE: _set_intermediate_value,
    JournalOperation.SET_TRIAL_USER_ATTR: _set_user_attribute,
    JournalOperation.SET_TRIAL_SYSTEM_ATTR: _set_system_attribute,
    JournalOperation.SET_TRIAL_STATE_VALUES: _set_state_and_values,
}
_OF_A_TRIAL = frozenset({*_APPLY, JournalOperation.SET_TRIAL_PARAM})
"""The operations that make up nearly all of a journal."""
