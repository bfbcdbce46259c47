"""How far a study is: counts of what has ended and what runs, kept up to date by the director."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from analysis.choice import best_configuration
from ass_tune.ledger.ledger import Entry, count_outcomes
from ass_tune.limit import TimeLimit
from ass_tune.search.cell_search import CellSearch
from ass_tune.search.cells import CellPlan
from ass_tune.search.searched import configuration
from ass_tune.trial import End, Listener, Report, Trial
from trainables.objective import MIOU, Objective, chosen_by
from trainables.words import Outcome, Stage


@dataclass
class CellProgress:
    """What has ended in one cell."""

    plan: CellPlan
    ended: dict[Stage, int] = field(default_factory=lambda: dict.fromkeys(Stage, 0))
    outcomes: Counter[Outcome | None] = field(default_factory=Counter)
    objective: Objective = MIOU
    replicates_begun: set[str] = field(default_factory=set)
    """Their keys."""
    _select: dict[bytes, dict[int, float]] = field(default_factory=dict)
    """The objective on the select split of finished tuning trials by configuration and seed."""
    _lost: dict[str, int] = field(default_factory=dict)
    """By key of a tuning trial that did not finish, its seed."""
    _best: float | None = None
    _best_is_known: bool = True

    @property
    def best(self) -> float | None:
        """The objective on the select split of the best configuration so far, a mean over the seeds that search.

        Looked for when somebody wants to see it, not at each end of a trial.
        """
        if not self._best_is_known:
            found = best_configuration(self._select, self.plan.train_seeds, self.objective)
            self._best, self._best_is_known = found[1] if found else None, True
        return self._best

    @classmethod
    def of(
        cls, plan: CellPlan, tuning: Sequence[Entry], replicates: Sequence[Entry], objective: Objective = MIOU
    ) -> CellProgress:
        """As the ledger has it."""
        counts = {Stage.TUNING: count_outcomes(tuning), Stage.REPLICATE: count_outcomes(replicates)}
        found = cls(
            plan,
            ended={stage: found.total() - found[None] for stage, found in counts.items()},
            outcomes=counts[Stage.TUNING] + counts[Stage.REPLICATE],
            replicates_begun={entry.key for entry in replicates},
            objective=objective,
        )
        for entry in tuning:
            if entry.outcome is not None:
                found._searched(entry, entry.outcome, entry.select_value)
        return found

    @property
    def tuning_wanted(self) -> int:
        """Tuning trials of the whole search, less those that pruned or failed configurations do not need.

        Not fewer than have ended: others take the place of finalists that failed.
        """
        lost = Counter(self._lost.values())
        left = self.plan.configurations - lost.pop(self.plan.train_seeds[0], 0)
        not_needed = sum(number * len(self.plan.seeds_after(seed)) for seed, number in lost.items())
        return max(self.ended[Stage.TUNING], self.plan.trials_if_left(left) - not_needed)

    @property
    def replicates_wanted(self) -> int:
        """As many as the file begins with, and those that were added since."""
        return max(self.plan.replicates, len(self.replicates_begun))

    def end(self, trial: Trial, end: End, select_value: float | None) -> None:
        """Count the outcome of a trial, whose last report had this value."""
        self.ended[trial.stage] += 1
        self.outcomes[end.outcome] += 1
        if trial.stage is Stage.TUNING:
            of_snapshot = chosen_by(end.metrics)
            self._searched(trial, end.outcome, select_value if of_snapshot is None else of_snapshot)

    def _searched(self, trial: Trial | Entry, outcome: Outcome, select_value: float | None) -> None:
        if outcome is not Outcome.FINISHED:
            self._lost[trial.key] = trial.seed
            return
        self._lost.pop(trial.key, None)
        if select_value is not None:
            self._select.setdefault(self._tried(trial), {})[trial.seed] = select_value
            self._best_is_known = False

    def _tried(self, trial: Trial | Entry) -> bytes:
        """Equal for trials of one configuration; under a single seed each trial has a configuration of its own."""
        if len(self.plan.train_seeds) == 1:
            return trial.key.encode()
        return hashlib.sha256(configuration(trial.config).encode()).digest()


@dataclass(frozen=True)
class Reached:
    """The last report of a trial that has not ended; the objective on the select split."""

    iteration: int = 0
    value: float | None = None


class StudyProgress(Listener):
    """Counts of all cells. It is a listener of the director, which calls it after each event is in the ledger.

    Args:
        searches: the cells, with what earlier runs of the study have done.
        iterations: length of every trial.
        limit: when this run of the study has to end, if ever.
    """

    def __init__(self, searches: Sequence[CellSearch], iterations: int, limit: TimeLimit | None = None) -> None:
        self.limit = limit
        found = [(search, search.tuning_entries(), search.replicate_entries()) for search in searches]
        self.cells = {
            search.plan.cell: CellProgress.of(search.plan, tuning, replicates, search.objective)
            for search, tuning, replicates in found
        }
        self.objective = next((search.objective for search in searches), MIOU)
        self.running: dict[str, Trial] = {}
        """Trials that run now by key, in the order in which they started."""
        self.waiting = {key: search.plan.cell for search in searches for key in search.waiting()}
        """Keys of trials that wait for others of their cell to be screened, or to go on first, with their cells."""
        self.iterations = iterations
        entries = [entry for _, tuning, replicates in found for entry in (*tuning, *replicates)]
        pruned = (entry for entry in entries if entry.outcome is Outcome.PRUNED)
        self.iterations_saved = sum(iterations - entry.last_iteration for entry in pruned)
        self._trained_here = 0
        self._at = {e.key: Reached(e.last_iteration, e.select_value) for e in entries if e.outcome is None}
        self._started = time.monotonic()

    def trial_started(self, trial: Trial) -> None:
        """Count it as running."""
        self.running[trial.key] = trial
        self.waiting.pop(trial.key, None)
        if trial.stage is Stage.REPLICATE:
            self.cells[trial.cell].replicates_begun.add(trial.key)

    def trial_reported(self, trial: Trial, report: Report) -> None:
        """Count the iterations since its last report."""
        before = self.reached(trial)
        if trial.reused_from is None:
            self._trained_here += report.iteration - before.iteration
        self._at[trial.key] = Reached(report.iteration, report.value)

    def trial_interrupted(self, trial: Trial) -> None:
        """Count it as waiting; what it reported stays."""
        del self.running[trial.key]

    def trial_paused(self, trial: Trial) -> None:
        """Count it as waiting for others of its cell."""
        del self.running[trial.key]
        self.waiting[trial.key] = trial.cell

    def trial_ended(self, trial: Trial, end: End) -> None:
        """Count the outcome."""
        self.running.pop(trial.key, None)  # one that is screened out does not run
        self.waiting.pop(trial.key, None)
        self.cells[trial.cell].end(trial, end, self._at.pop(trial.key, Reached()).value)
        if end.outcome is Outcome.PRUNED:
            self.iterations_saved += self.iterations - end.iteration

    @property
    def trials_ended(self) -> int:
        """Trials that are done, those of earlier runs included."""
        return sum(sum(cell.ended.values()) for cell in self.cells.values())

    @property
    def trials_wanted(self) -> int:
        """All tuning trials that are needed, and the replicates."""
        return sum(cell.tuning_wanted + cell.replicates_wanted for cell in self.cells.values())

    @property
    def done(self) -> bool:
        """Whether all of them have ended."""
        return self.trials_ended >= self.trials_wanted

    def reached(self, trial: Trial) -> Reached:
        """How far a running trial is."""
        return self._at.get(trial.key, Reached())

    def count(self, outcome: Outcome) -> int:
        """Trials with this outcome."""
        return sum(cell.outcomes[outcome] for cell in self.cells.values())

    @property
    def seconds(self) -> float:
        """Time since this run of the study began."""
        return time.monotonic() - self._started

    @property
    def seconds_left(self) -> float | None:
        """At the speed so far, if nothing more is pruned; None before the first report."""
        if not self._trained_here:
            return None
        trials_left = self.trials_wanted - self.trials_ended
        reached = list(self._at.values())  # whole at once: another thread draws while trials report
        iterations_left = trials_left * self.iterations - sum(at.iteration for at in reached)
        return self.seconds * max(0, iterations_left) / self._trained_here
