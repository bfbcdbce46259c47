"""Screening: every configuration of a cell trains a little before any goes on, and the best ones go on first.

A constant number of reports and then the best few is i-Epoch (arXiv 2404.04111). Nothing here is remembered: who was
screened, who waits and who goes on follows from the curves in the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ass_tune.ledger.ledger import Entry
from ass_tune.spec import StudySpec
from ass_tune.trial import Report, Trial

BEST = 3
"""So many of each cell go on before any other configuration does, of whatever cell."""


def waits(spec: StudySpec, entry: Entry) -> bool:
    """Whether a tuning trial is at the end of its screening: it waits, or goes on and has not reported since."""
    until = spec.search.screen * spec.train.evaluate_every
    first = entry.outcome is None and entry.seed == spec.train_seeds[0]
    return first and 0 < until == entry.last_iteration


class Screening:
    """The screening of one cell's configurations, under the first seed that searches.

    Args:
        spec: with the length of the screening and how many go on.
        screened: the trials of that seed, as the ledger has them.
    """

    def __init__(self, spec: StudySpec, screened: Callable[[], Sequence[Entry]]) -> None:
        self.until = spec.search.screen * spec.train.evaluate_every
        """The iteration at which it ends; 0 where nothing is screened."""
        self._keep, self._sign, self._screened = spec.search.keep, spec.objective.sign, screened
        self._begun: set[str] = set()
        self._waiting: dict[str, Trial] = {}
        self._ranks: dict[str, int] | None = None

    @property
    def waiting(self) -> bool:
        """Whether a trial waits to go on."""
        return bool(self._waiting)

    @property
    def over(self) -> bool:
        """Whether none of the trials that were begun is still being screened."""
        return not self._begun

    def is_waiting(self, trial: Trial) -> bool:
        """Whether a trial waits for others to be screened, or for better ones to go on first."""
        return trial.key in self._waiting

    def begin(self, trial: Trial, reached: int = 0) -> None:
        """A trial begins, or is taken over by a driver at the iteration of its last report."""
        if reached < self.until:
            self._begun.add(trial.key)
        elif reached == self.until > 0:
            self._waiting[trial.key] = trial

    def ends_with(self, trial: Trial, report: Report) -> bool:
        """Whether this report is the last one of a trial's screening, so that it waits now."""
        if trial.key not in self._begun or report.iteration < self.until:
            return False
        self._leave(trial)
        if report.iteration > self.until:  # it failed earlier, and goes on from a checkpoint behind its screening
            return False
        self._waiting[trial.key] = trial
        return True

    def end(self, trial: Trial) -> None:
        """A trial has ended."""
        if trial.key in self._begun:
            self._leave(trial)

    def _leave(self, trial: Trial) -> None:
        self._begun.remove(trial.key)
        self._ranks = None  # one more may have been screened

    @property
    def turn(self) -> int:
        """For cells to take turns: 0 while the best few go on, and then one more for every further configuration."""
        return max(0, min(self._rank(key) for key in self._waiting) - BEST + 1) if self._waiting else 0

    def next(self) -> Trial:
        """The best of the trials that wait; they no longer do."""
        return self._waiting.pop(min(self._waiting, key=self._rank))

    def gives_up(self, trial: Trial, iteration: int) -> bool:
        """Whether a trial that goes on from the end of its screening should not: a driver died before it was ended."""
        return iteration == self.until > 0 and trial.key not in self._begun and not self._is_kept(trial.key)

    def not_kept(self) -> list[Trial]:
        """Trials that wait and are not among those that may go on, the best one first; they no longer wait."""
        found = sorted((key for key in self._waiting if not self._is_kept(key)), key=self._rank)
        return [self._waiting.pop(key) for key in found]

    def _is_kept(self, key: str) -> bool:
        return self._keep is None or self._rank(key) < self._keep

    def _rank(self, key: str) -> int:
        """The place of a configuration among all that were screened, from 0 on; of equals the earlier is better."""
        if self._ranks is None:
            screened = [entry for entry in self._screened() if self.until in entry.curve]
            order = sorted(screened, key=lambda entry: (-self._sign * entry.curve[self.until], entry.number))
            self._ranks = {entry.key: rank for rank, entry in enumerate(order)}
        return self._ranks[key]
