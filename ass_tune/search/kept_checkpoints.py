"""Which checkpoints are kept after a trial: those from which it may be continued."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ass_tune.search.cell_search import CellSearch
from ass_tune.trial import End, Listener, Trial
from trainables.storage import Storage
from trainables.words import Outcome

FOLDER = "checkpoints"
_NAME = re.compile(r"(\d{9,})[-.]")
"""How the name of a checkpoint begins: with its iteration."""


class CheckpointKeeper(Listener):
    """Deletes the checkpoints of a trial once the ledger has its outcome; a finished trial keeps its network.

    Args:
        folder: the study's folder.
        keep_pruned: whether a pruned trial keeps its last checkpoint. One that failed always does, to be continued.
    """

    def __init__(self, folder: Storage, keep_pruned: bool = False) -> None:
        self._folder = folder
        self._kept = {Outcome.FAILED, Outcome.PRUNED} if keep_pruned else {Outcome.FAILED}

    def sweep(self, searches: Iterable[CellSearch]) -> None:
        """Delete what earlier drivers left because they died before they could."""
        entries = (entry for search in searches for entry in (*search.tuning_entries(), *search.replicate_entries()))
        wanted = {f"{FOLDER}/{entry.key}" for entry in entries if entry.outcome is None or entry.outcome in self._kept}
        for folder in self._folder.folders(FOLDER):
            if folder not in wanted:
                self._folder.delete_folder(folder)

    def trial_ended(self, trial: Trial, end: End) -> None:
        """Delete the checkpoints from which the trial will not be continued."""
        folder = f"{FOLDER}/{trial.key}"
        if end.outcome not in self._kept:
            self._folder.delete_folder(folder)
            return
        for name in self._folder.list(folder)[:-1]:
            self._folder.delete(name)


def saved_at(folder: Storage, key: str) -> int:
    """Iteration of a trial's newest checkpoint, whole or not; 0 where it has none, or where the folder cannot be read.

    Args:
        folder: the study's folder.
        key: of the trial.
    """
    try:
        names = [name.rpartition("/")[2] for name in folder.list(f"{FOLDER}/{key}")]
    except OSError:
        return 0
    return max((int(found[1]) for name in names if (found := _NAME.match(name))), default=0)
