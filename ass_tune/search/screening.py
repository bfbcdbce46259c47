"""Screening: every configuration of a cell trains a little before any goes on, and the best ones go on first.

A constant number of reports and then the best few is i-Epoch (arXiv 2404.04111). With several numbers of reports the
better half after each goes on to the next, as in successive halving (arXiv 1502.07943), but the others wait and lose
nothing. Nothing here is remembered: who was screened, who waits and who goes on follows from the curves in the ledger.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence

from analysis.screened import Screened, screened
from ass_tune.ledger.ledger import Entry
from ass_tune.spec import StudySpec
from ass_tune.trial import Report, Trial

BEST = 3
"""So many of each cell go on before any other configuration does, of whatever cell."""


def waits(spec: StudySpec, entry: Entry) -> bool:
    """Whether a tuning trial is where its screening compares: it waits, or goes on and has not reported since."""
    first = entry.outcome is None and entry.seed == spec.train_seeds[0]
    return first and entry.last_iteration in spec.screened_at


class Screening:
    """The screening of one cell's configurations, under the first seed that searches.

    Args:
        spec: with the iterations at which they are compared, and how many go on.
        entries: the trials of that seed, as the ledger has them.
    """

    def __init__(self, spec: StudySpec, entries: Callable[[], Sequence[Entry]]) -> None:
        self._compared_at, self._keep, self._objective = spec.screened_at, spec.search.keep, spec.objective
        self._entries = entries
        self._begun: dict[str, int] = {}
        """By key, the iteration at which a trial will wait."""
        self._waiting: dict[str, tuple[Trial, int]] = {}
        """By key, with the iteration at which it waits."""
        self._found: Screened | None = None

    @property
    def screens(self) -> bool:
        """Whether anything is screened."""
        return bool(self._compared_at)

    @property
    def waiting(self) -> bool:
        """Whether a trial waits to go on."""
        return bool(self._waiting)

    @property
    def over(self) -> bool:
        """Whether no trial that was begun is still to be compared with others."""
        return not self._begun and not any(self._next_comparison(trial, at) for trial, at in self._waiting.values())

    def is_waiting(self, trial: Trial) -> bool:
        """Whether a trial waits for others to be screened, or for better ones to go on first."""
        return trial.key in self._waiting

    def begin(self, trial: Trial, reached: int = 0) -> None:
        """A trial begins, or is taken over by a driver at the iteration of its last report."""
        if reached in self._compared_at:
            self._waiting[trial.key] = (trial, reached)
        elif comparison := self._next_comparison(trial, reached):
            self._begun[trial.key] = comparison

    def ends_with(self, trial: Trial, report: Report) -> bool:
        """Whether a trial waits now, since this report is one by which it is compared with others."""
        if trial.key not in self._begun or report.iteration < self._begun[trial.key]:
            return False
        self._leave(trial)
        self.begin(trial, report.iteration)  # one that failed earlier may go on from a checkpoint behind a comparison
        return trial.key in self._waiting

    def end(self, trial: Trial) -> None:
        """A trial has ended."""
        if trial.key in self._begun:
            self._leave(trial)

    def _leave(self, trial: Trial) -> None:
        del self._begun[trial.key]
        self._found = None  # one more may have been compared

    @property
    def turn(self) -> int:
        """For cells to take turns: 0 while some go on to a comparison, 1 for the best few, then one more for each."""
        to_the_end, _, rank = min(map(self._order, self._waiting))
        return 1 + max(0, rank - BEST + 1) if to_the_end else 0

    def next(self) -> Trial | None:
        """The next of the trials that wait, which no longer does; None while all of them wait for others."""
        key = min(self._waiting, key=self._order)
        trial, reached = self._waiting[key]
        comparison = self._next_comparison(trial, reached)
        if self._begun and (comparison is None or min(self._begun.values()) <= reached):
            return None
        del self._waiting[key]
        if comparison is not None:
            self._begun[key] = comparison
        return trial

    def gives_up(self, trial: Trial, iteration: int) -> bool:
        """Whether a trial that goes on from its screening should not: a driver died before it was ended."""
        return iteration in self._compared_at and trial.key not in self._begun and not self._is_kept(trial.key)

    def not_kept(self) -> list[Trial]:
        """Trials that wait and are not among those that may go on, the best one first; they no longer wait."""
        found = sorted((key for key in self._waiting if not self._is_kept(key)), key=self._rank)
        return [self._waiting.pop(key)[0] for key in found]

    def _next_comparison(self, trial: Trial, reached: int) -> int | None:
        """The iteration at which a trial that has come so far is compared next; None where it goes on to its end."""
        behind = bisect_right(self._compared_at, reached)
        if behind == len(self._compared_at) or (behind and trial.key not in self._screened.better_half[behind - 1]):
            return None
        return self._compared_at[behind]

    def _order(self, key: str) -> tuple[bool, int, int]:
        """Those that are compared again go on before all others, each comparison after the one before it."""
        trial, reached = self._waiting[key]
        to_the_end = self._next_comparison(trial, reached) is None
        return to_the_end, 0 if to_the_end else reached, self._rank(key)

    def _is_kept(self, key: str) -> bool:
        return self._keep is None or self._rank(key) < self._keep

    def _rank(self, key: str) -> int:
        """The place of a configuration among all that were compared, from 0 on; of equals the earlier is better."""
        return self._screened.ranks[key]

    @property
    def _screened(self) -> Screened:
        if self._found is None:
            curves = {entry.key: entry.curve for entry in sorted(self._entries(), key=lambda entry: entry.number)}
            self._found = screened(curves, self._compared_at, self._objective)
        return self._found
