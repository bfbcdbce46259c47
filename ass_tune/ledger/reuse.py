"""Trials of equal content are trained once: the curve, result and files of a finished one are reused."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from optuna.storages import BaseStorage

from ass_tune.ledger.ledger import JOURNAL, Entry, entries_of, open_to_read
from ass_tune.places import Studies
from ass_tune.trial import End, Report
from trainables.mistakes import UserMistake
from trainables.objective import MIOU, Objective
from trainables.storage import Storage
from trainables.words import Outcome

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FinishedTrial:
    """What a trial can reuse from a finished trial of the same key."""

    name: str
    """Its study, cell, stage and number."""
    curve: Mapping[int, float]
    """The objective on the select split by iteration, as in the ledger."""
    end: End
    files: Storage | None = None
    """The folder of its study; None if that is the study itself."""
    objective: Objective = MIOU

    @property
    def reports(self) -> tuple[Report, ...]:
        """The curve as reports, made when they are asked for: most finished trials are never reused."""
        at, objective = self.end.time, self.objective
        curve = sorted(self.curve.items())
        return tuple(Report(iteration, {objective.select: value}, at, objective) for iteration, value in curve)


def finished_trial(
    stratum: str, entry: Entry, files: Storage | None = None, objective: Objective = MIOU
) -> FinishedTrial:
    """What can be reused from a finished entry of the ledger, whose trial was judged by an objective."""
    end = End(Outcome.FINISHED, entry.last_iteration, entry.ended, entry.result, entry.artifacts)
    return FinishedTrial(f"{stratum} {entry.number}", entry.curve, end, files, objective)


class FinishedTrials:
    """Finished trials by key: those that all studies had at the first lookup, and those that finish after it.

    Args:
        folder: the study's own folder, into which reused files are copied.
        load: finds the finished trials.
    """

    def __init__(
        self, folder: Storage | None = None, load: Callable[[], Iterable[tuple[str, FinishedTrial]]] = tuple
    ) -> None:
        self._folder, self._load = folder, load
        self._by_key: dict[str, FinishedTrial] | None = None

    def add(self, key: str, finished: FinishedTrial) -> None:
        """Add a finished trial of the study itself."""
        self._loaded().setdefault(key, finished)

    def take(self, key: str) -> FinishedTrial | None:
        """The finished trial of this key with its files in the study's own folder, or None."""
        found = self._loaded().get(key)
        return found if found is not None and self._copied(key, found) else None

    def _loaded(self) -> dict[str, FinishedTrial]:
        if self._by_key is None:
            self._by_key = {}
            for key, finished in self._load():
                self._by_key.setdefault(key, finished)
        return self._by_key

    def _copied(self, key: str, finished: FinishedTrial) -> bool:
        """Copies the files; False if one that the ledger names is missing, so that the trial is trained again."""
        if finished.files is None or self._folder is None:
            return True
        names = finished.files.list(f"results/{key}")
        if not set(finished.end.artifacts) <= set(names):
            return False
        for name in names:
            self._folder.write_bytes(name, finished.files.read_bytes(name))
        return True


def finished_in(
    studies: Studies, study: str, ledger: BaseStorage, objective: Objective = MIOU
) -> Iterable[tuple[str, FinishedTrial]]:
    """Finished trials of the study itself, of the others in its ledger, and of the ledgers of other study folders.

    Trials with the keys of the study's own are judged by its objective; no others are ever taken.
    A ledger that cannot be read is left out with a warning: reuse saves time and nothing else.
    """
    yield from _finished(ledger, studies, study, objective)
    for journal in sorted(studies.folder.glob(f"*/{JOURNAL}")):
        if journal.parent.name != study:
            try:
                if (other := open_to_read(journal.parent)) is not None:
                    yield from _finished(other, studies, study, objective)
            except (UserMistake, OSError, ValueError, KeyError) as error:
                logger.warning("nothing is reused from %s: %s", journal, error)


def _finished(
    storage: BaseStorage, studies: Studies, own: str, objective: Objective
) -> Iterable[tuple[str, FinishedTrial]]:
    for stratum, entries in entries_of(storage).items():
        study = stratum.partition("/")[0]
        files = None if study == own else studies.files_of(study)
        for entry in entries:
            if entry.outcome is Outcome.FINISHED:
                yield entry.key, finished_trial(stratum, entry, files, objective)
