"""Whose Optuna studies and trials a journal has: ours, or those of other people who use the same file."""

from __future__ import annotations

from typing import Any, cast

from optuna.storages.journal._storage import JournalOperation as Op
from optuna.study import StudyDirection

_FIELDS: dict[int, set[str]] = {
    Op.CREATE_STUDY: {"study_name", "directions"},
    Op.DELETE_STUDY: {"study_id"},
    Op.SET_STUDY_USER_ATTR: {"study_id", "user_attr"},
    Op.SET_STUDY_SYSTEM_ATTR: {"study_id", "system_attr"},
    Op.CREATE_TRIAL: {"study_id", "datetime_start"},
    Op.SET_TRIAL_PARAM: {"trial_id", "param_name", "param_value_internal", "distribution"},
    Op.SET_TRIAL_STATE_VALUES: {"trial_id", "state", "values"},
    Op.SET_TRIAL_INTERMEDIATE_VALUE: {"trial_id", "step", "intermediate_value"},
    Op.SET_TRIAL_USER_ATTR: {"trial_id", "user_attr"},
    Op.SET_TRIAL_SYSTEM_ATTR: {"trial_id", "system_attr"},
}
"""What Optuna writes of each operation, besides the operation and the worker."""

_SOMETIMES = {
    *("datetime_start", "datetime_complete", "state", "value", "values"),
    *("params", "distributions", "user_attrs", "system_attrs", "intermediate_values"),
}
"""What Optuna writes of some trials besides."""


def _are_directions(found: object) -> bool:
    known = [int(direction) for direction in StudyDirection]
    return isinstance(found, list) and found != [] and all(one in known for one in cast("list[object]", found))


class Owners:
    """Numbers studies and trials as Optuna does when it reads the lines in their order.

    A study is ours if one of our lines creates it or says anything of it or of its trials.
    """

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self._created = 0
        self._study_of_trial: list[int] = []
        self._ours: set[int] = set()

    def note(self, log: dict[str, Any], ours: bool) -> None:
        """Take the next line into account; `ours` says who wrote it."""
        operation = log.get("op_code")
        study = self._study(log)
        if operation == Op.CREATE_STUDY and log["study_name"] not in self._names.values():
            study, self._created = self._created, self._created + 1
            self._names[study] = log["study_name"]
        elif operation == Op.DELETE_STUDY and study is not None:
            self._names.pop(study, None)
        elif operation == Op.CREATE_TRIAL and study in self._names:
            self._study_of_trial.append(study)
        if ours and study is not None:
            self._ours.add(study)

    def is_harmless(self, log: dict[str, Any]) -> bool:
        """Whether the next line, which another program wrote, is Optuna's and leaves our studies as they are.

        To create a study that is there already, which `create_study(load_if_exists=True)` does, changes nothing.
        """
        operation = log.get("op_code")
        if not isinstance(operation, int) or operation not in _FIELDS or not isinstance(log.get("worker_id"), str):
            return False
        fields = log.keys() - {"op_code", "worker_id"}
        if not _FIELDS[operation] <= fields or not fields <= _FIELDS[operation] | _SOMETIMES:
            return False
        if operation == Op.CREATE_STUDY:
            return isinstance(log["study_name"], str) and _are_directions(log["directions"])
        if not all(isinstance(log[name], dict) for name in ("user_attr", "system_attr") if name in log):
            return False
        study = self._study(log)
        return study is not None and study not in self._ours

    def _study(self, log: dict[str, Any]) -> int | None:
        """The study that a line is about; None where it creates one, or names one or a trial that is not there."""
        if "trial_id" in log:
            number = log["trial_id"]
            there = isinstance(number, int) and 0 <= number < len(self._study_of_trial)
            return self._study_of_trial[number] if there else None
        number = log.get("study_id")
        return number if isinstance(number, int) and 0 <= number < self._created else None
