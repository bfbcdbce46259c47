"""One cell: its tuning trials and, once they are done, the replicates of its best configuration."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from optuna.pruners import BasePruner
from optuna.storages import BaseStorage

from ass_tune.ledger.ledger import Entry, Stratum
from ass_tune.ledger.reuse import FinishedTrial, finished_trial
from ass_tune.search.cells import CellPlan, grid_points
from ass_tune.search.identity import build_config, trial_key
from ass_tune.search.samplers import make_sampler
from ass_tune.search.suggest import suggest
from ass_tune.spec import StudySpec
from ass_tune.trial import End, Report, Trial
from trainables.config import Value
from trainables.domains.sampling import stream
from trainables.words import Outcome, Stage

SAMPLER_ATTEMPTS = 16
"""How often a sampler may repeat itself before its cell takes a point not yet tried, or without an end a random one."""
RANDOM_ATTEMPTS = 64


class CellSearch:
    """What a cell has run and what it runs next; at the start all of it is read from the ledger.

    `data` has, by set, the digest of the files that trials are trained and judged on.
    """

    def __init__(
        self,
        spec: StudySpec,
        plan: CellPlan,
        storage: BaseStorage,
        pruner: BasePruner,
        data: Mapping[str, str] | None = None,
    ) -> None:
        self.plan = plan
        self._spec, self._data = spec, data
        self._strata = {stage: Stratum(storage, spec.study, plan.cell, stage, pruner) for stage in Stage}
        self._keys = {stage: {entry.key for entry in self._strata[stage].entries()} for stage in Stage}
        self._running: set[str] = set()
        self._retries = deque(
            (stage, entry)
            for stage, stratum in self._strata.items()
            for entry in stratum.entries()
            if entry.outcome is Outcome.FAILED and entry.starts < spec.faults.starts
        )
        self._finished_tuning = sum(entry.outcome is Outcome.FINISHED for entry in self.tuning_entries())
        self._exhausted = False
        self._replicates_begun = False

    @property
    def tuning_begun(self) -> int:
        """Number of distinct tuning trials that are running or have ended."""
        return len(self._keys[Stage.TUNING])

    @property
    def tuning_done(self) -> bool:
        """Whether every tuning trial has ended, so that the best configuration is known."""
        retried = any(stage is Stage.TUNING for stage, _ in self._retries)
        return not self._tuning_left and not retried and not (self._running & self._keys[Stage.TUNING])

    @property
    def _tuning_left(self) -> bool:
        return self.tuning_begun < self.plan.tuning_trials and not self._exhausted

    def tuning_entries(self) -> list[Entry]:
        """The cell's tuning trials in the ledger."""
        return self._strata[Stage.TUNING].entries()

    def replicate_entries(self) -> list[Entry]:
        """The cell's replicates in the ledger."""
        return self._strata[Stage.REPLICATE].entries()

    def readopt(self) -> Iterator[tuple[Trial, Entry]]:
        """The trials that a driver left unfinished, which keep their numbers, with their entries in the ledger."""
        for stage, stratum in self._strata.items():
            for entry in stratum.readopt():
                self._running.add(entry.key)
                trial = self._trial(stage, entry.number, entry.key, entry.seed, entry.hyperparameters, entry.config)
                yield trial, entry

    def next_retry(self) -> Trial | None:
        """A trial that failed in earlier runs of the study and may be started again, or None."""
        if not self._retries:
            return None
        stage, entry = self._retries.popleft()
        opened = self._strata[stage].open(entry.hyperparameters)
        suggest(opened, self.plan.space)
        return self._begin(stage, opened.number, entry.key, entry.seed, entry.hyperparameters, entry.config)

    def next_tuning(self) -> Trial | None:
        """A tuning trial that differs from all earlier ones, or None if the cell has its budget."""
        if not self._tuning_left:
            return None
        trial = self._next_point() if self._spec.search.sampler == "grid" else self._next_suggestion()
        self._exhausted = trial is None
        return trial

    def next_replicate(self) -> Trial | None:
        """The best configuration with a seed that it has not run with, or None."""
        if self._replicates_begun or not self.tuning_done:
            return None
        if (best := best_entry(self.tuning_entries())) is not None:
            for seed in self._spec.replicate.seeds[1:]:
                if (trial := self._begin_if_new(Stage.REPLICATE, best.hyperparameters, seed)) is not None:
                    return trial
        self._replicates_begun = True
        return None

    def report(self, trial: Trial, report: Report) -> None:
        """Record a report."""
        self._strata[trial.stage].report(trial.number, report.iteration, report.miou)

    def gives_up(self, trial: Trial, iteration: int) -> bool:
        """Whether a trial should stop at its last report. Replicates never should."""
        if trial.stage is Stage.REPLICATE or iteration >= self._spec.train.iterations:
            return False
        # some pruners keep rungs: ask at every report, but follow the answer only from where the file allows it
        gives_up = self._strata[trial.stage].pruner_would_stop(trial.number)
        late_enough = iteration >= self._spec.prune.start * self._spec.train.iterations
        return gives_up and late_enough and self._finished_tuning >= self._spec.prune.startup_trials

    def end(self, trial: Trial, end: End, select_miou: float | None) -> None:
        """Record an outcome."""
        self._strata[trial.stage].end(trial, end, select_miou)
        self._running.discard(trial.key)
        self._finished_tuning += trial.stage is Stage.TUNING and end.outcome is Outcome.FINISHED

    def finished(self, trial: Trial) -> FinishedTrial:
        """What a trial of equal content can reuse from one that finished here."""
        stratum = self._strata[trial.stage]
        return finished_trial(stratum.name, stratum.entry(trial.number))

    def _next_point(self) -> Trial | None:
        points = list(grid_points(self.plan.space))
        if self.plan.tuning_trials < len(points):
            draws = stream(self._spec.search.seed, f"grid/{self.plan.cell.name}")
            order: list[int] = draws.permutation(len(points)).tolist()
            points = [points[index] for index in order]
        seed = self._spec.replicate.seeds[0]
        trials = (self._begin_if_new(Stage.TUNING, point, seed) for point in points)
        return next((trial for trial in trials if trial is not None), None)

    def _next_suggestion(self) -> Trial | None:
        search = self._spec.search
        if (trial := self._draw(search.sampler, search.arguments, SAMPLER_ATTEMPTS)) is not None:
            return trial
        return self._next_point() if self.plan.points is not None else self._draw("random", {}, RANDOM_ATTEMPTS)

    def _draw(self, sampler: str, arguments: Mapping[str, Value], attempts: int) -> Trial | None:
        search, stratum, seed = self._spec.search, self._strata[Stage.TUNING], self._spec.replicate.seeds[0]
        for _ in range(attempts):
            asked = stratum.ask(make_sampler(sampler, arguments, search.seed, self.plan.cell.name, stratum.asked()))
            hyperparameters = suggest(asked, self.plan.space)
            config, key = self._identify(hyperparameters, seed)
            if key not in self._keys[Stage.TUNING]:
                return self._begin(Stage.TUNING, asked.number, key, seed, hyperparameters, config)
            stratum.discard(asked.number, duplicate_of=key)
        return None

    def _begin_if_new(self, stage: Stage, hyperparameters: Mapping[str, Value], seed: int) -> Trial | None:
        config, key = self._identify(hyperparameters, seed)
        if key in self._keys[stage]:
            return None
        opened = self._strata[stage].open(hyperparameters)
        suggest(opened, self.plan.space)
        return self._begin(stage, opened.number, key, seed, hyperparameters, config)

    def _begin(
        self,
        stage: Stage,
        number: int,
        key: str,
        seed: int,
        hyperparameters: Mapping[str, Value],
        config: Mapping[str, Any],
    ) -> Trial:
        self._strata[stage].begin(number, key, seed, config)
        self._keys[stage].add(key)
        self._running.add(key)
        return self._trial(stage, number, key, seed, hyperparameters, config)

    def _identify(self, hyperparameters: Mapping[str, Value], seed: int) -> tuple[Mapping[str, Any], str]:
        config = build_config(self._spec, self.plan.cell, hyperparameters, seed)
        return config.model_dump(mode="json"), trial_key(config, self._data)

    def _trial(
        self,
        stage: Stage,
        number: int,
        key: str,
        seed: int,
        hyperparameters: Mapping[str, Value],
        config: Mapping[str, Any],
    ) -> Trial:
        return Trial(key, self.plan.cell, stage, number, seed, dict(hyperparameters), config)

    def trials(self) -> Iterator[tuple[Trial, Entry]]:
        """Every trial of the cell that was begun, and what the ledger has of it."""
        for stage, stratum in self._strata.items():
            for entry in stratum.entries():
                hyperparameters, config = entry.hyperparameters, entry.config
                yield self._trial(stage, entry.number, entry.key, entry.seed, hyperparameters, config), entry


def best_entry(entries: list[Entry]) -> Entry | None:
    """The finished trial with the highest select-split mIoU, of equal ones the first; None if none has finished."""
    finished = [entry for entry in entries if entry.outcome is Outcome.FINISHED and entry.select_miou is not None]
    return max(finished, key=lambda entry: (entry.select_miou, -entry.number), default=None)
