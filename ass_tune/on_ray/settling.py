"""Brings the ledger's lines to the disk in groups: a wait for the disk costs as much as all else about a report."""

from __future__ import annotations

import time
from typing import Any

from optuna.storages import BaseStorage
from ray.tune import Callback
from ray.tune.experiment import Trial as RayTrial

from ass_tune.ledger.bulk_read import BulkReadStorage

SECONDS_BETWEEN = 0.1
"""What a power cut may take from the end of the ledger. The record of each report is on the disk before that."""


class LedgerSettling(Callback):
    """Settles the ledger ten times a second while trials report. A database settles each line by itself.

    Args:
        ledger: of the study.
    """

    def __init__(self, ledger: BaseStorage) -> None:
        self._ledger = ledger if isinstance(ledger, BulkReadStorage) else None
        if self._ledger is not None:
            self._ledger.settle_in_groups()
        self._next = 0.0

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Ray pickles it for a restore that is never made, since the ledger is the state."""
        return {}

    def on_step_end(self, iteration: int, trials: list[RayTrial], **info: Any) -> None:
        """Ray calls this after each report, and ten times a second where there is none."""
        if self._ledger is not None and (now := time.monotonic()) >= self._next:
            self._ledger.settle()
            self._next = now + SECONDS_BETWEEN

    def on_experiment_end(self, trials: list[RayTrial], **info: Any) -> None:
        """What is left, too."""
        if self._ledger is not None:
            self._ledger.settle()
