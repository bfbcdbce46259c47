"""Which checkpoints outlive a trial's actor: those of trials that have not ended."""

from __future__ import annotations

from ass_tune.trial import End, Report, Trial
from trainables.storage import Storage


class CheckpointKeeper:
    """Deletes the checkpoints of a trial once the ledger has its outcome; a finished one keeps its network."""

    def __init__(self, folder: Storage) -> None:
        self._folder = folder

    def trial_started(self, trial: Trial) -> None:
        """Nothing to delete yet."""

    def trial_reported(self, trial: Trial, report: Report) -> None:
        """Nothing: the trial itself replaces its older checkpoints."""

    def trial_ended(self, trial: Trial, end: End) -> None:
        """Nobody continues this trial."""
        for name in self._folder.list(f"checkpoints/{trial.key}"):
            self._folder.delete(name)
