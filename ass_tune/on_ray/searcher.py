"""The director as Ray Tune's searcher: hands trials to Ray as slots become free."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ray.tune.search import Searcher

from ass_tune.on_ray.early_end import EarlyEnd
from ass_tune.search.director import Director
from ass_tune.trial import Trial
from trainables.contract import TrialTask

SECONDS_BETWEEN_LOOKS = 1.0
"""At the nodes and their resources."""


class DirectorSearcher(Searcher):
    """Suggests the director's next trial whenever fewer trials run than there are slots.

    Args:
        director: decides what runs.
        task: what a trial's trainable is asked to do.
        slots: how many trials may be handed out at once; asked every second, since nodes come and go.
        early_end: knows when nothing more is started.
    """

    def __init__(
        self,
        director: Director,
        task: Callable[[Trial], TrialTask],
        slots: Callable[[], int],
        early_end: EarlyEnd,
    ) -> None:
        super().__init__(metric="iteration", mode="max")
        self._director = director
        self._task = task
        self._slots = slots
        self._early_end = early_end
        self._known_slots, self._next_look = 0, 0.0

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Ray pickles its searchers for a restore that is never made, since the ledger is the state."""
        return {}

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """The next trial's task, None to be asked again later, or FINISHED. Raises EndsEarly."""
        if self._early_end.starts_nothing:
            return None if self._director.running else self._early_end.end()
        if (now := time.monotonic()) >= self._next_look:  # Ray asks its server, and us after every report
            self._known_slots, self._next_look = self._slots(), now + SECONDS_BETWEEN_LOOKS
        if len(self._director.running) >= self._known_slots:
            return None
        trial = self._director.next_trial()
        if trial is not None:
            self._early_end.handed_out(trial.key)
            return self._task(trial).model_dump()
        return None if self._director.running else Searcher.FINISHED

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Nothing: the scheduler has reported it to the director, early stops included."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the ledger is the state."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: the ledger is the state."""
