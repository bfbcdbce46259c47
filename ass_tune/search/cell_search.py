"""One cell: its search, if there is anything to choose, and then the replicates of the configuration that was chosen.

With several seeds that search, the first one tries every configuration, and may prune it. What finishes is trained
under the next seed, to the end: so whatever is pruned needs no further seed, and something is left to be chosen. Where
the file names a number of finalists, only so many are, once the first seed has ended and the best ones are known.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from optuna.pruners import BasePruner
from optuna.storages import BaseStorage

from ass_tune.ledger.ledger import Entry, Stratum
from ass_tune.ledger.reuse import FinishedTrial, finished_trial
from ass_tune.search.cells import CellPlan, grid_points
from ass_tune.search.identity import build_config, trial_key
from ass_tune.search.samplers import make_sampler
from ass_tune.search.screening import Screening, waits
from ass_tune.search.searched import best_searched, finalists
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
        self.objective = spec.objective
        strata = (Stratum(storage, spec.study, plan.cell, stage, pruner, self.objective) for stage in Stage)
        self._strata = dict(zip(Stage, strata, strict=True))
        entries = {stage: stratum.entries() for stage, stratum in self._strata.items()}
        self._keys = {stage: {entry.key for entry in entries[stage]} for stage in Stage}
        self._running: set[str] = set()
        self._screening = Screening(spec, self._first_entries)
        self._retries = deque(
            (stage, entry)
            for stage in Stage
            for entry in entries[stage]
            if entry.outcome is Outcome.FAILED and entry.starts < spec.faults.starts
        )
        finished = [entry for entry in entries[Stage.TUNING] if entry.outcome is Outcome.FINISHED]
        self._finished_tuning = len(finished)
        self._configurations = sum(entry.seed == plan.train_seeds[0] for entry in entries[Stage.TUNING])
        self._exhausted = False
        self._under_next_seed: deque[tuple[Mapping[str, Value], int]] = deque()
        self._finalists_are_known = plan.finalists is None
        for entry in finished:
            self._queue_next_seed(entry.hyperparameters, entry.seed)
        self._replicates_begun = False
        self._further_seeds = 0

    @property
    def turn(self) -> tuple[int, int]:
        """How far the search is: the cell in which it is least advanced is next."""
        begun = len(self._keys[Stage.TUNING])
        if not self._screening.screens or self._configurations_left:
            return 0, begun
        return (1, self._screening.turn) if self._screening.waiting else (2, begun)

    @property
    def tuning_done(self) -> bool:
        """Whether every tuning trial has ended, so that the configuration of the table is known."""
        left = self._configurations_left or self._queued() or self._retries_left
        return not left and not (self._running & self._keys[Stage.TUNING])

    @property
    def _retries_left(self) -> bool:
        return any(stage is Stage.TUNING for stage, _ in self._retries)

    @property
    def _configurations_left(self) -> bool:
        return self._configurations < self.plan.configurations and not self._exhausted

    def tuning_entries(self) -> list[Entry]:
        """The cell's tuning trials in the ledger."""
        return self._strata[Stage.TUNING].entries()

    def replicate_entries(self) -> list[Entry]:
        """The cell's replicates in the ledger."""
        return self._strata[Stage.REPLICATE].entries()

    def waiting(self) -> list[str]:
        """Keys of the trials that a driver left while they waited for others to be screened."""
        return [entry.key for entry in self.tuning_entries() if waits(self._spec, entry)]

    def readopt(self) -> Iterator[tuple[Trial, Entry]]:
        """The trials that a driver left unfinished, which keep their numbers, with their entries in the ledger."""
        for stage, stratum in self._strata.items():
            for entry in stratum.readopt():
                self._running.add(entry.key)
                trial = self._trial(stage, entry.number, entry.key, entry.seed, entry.hyperparameters, entry.config)
                if self._is_first(trial):
                    self._screening.begin(trial, entry.last_iteration)
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
        """A tuning trial that differs from all earlier ones, or None if there is none to start now."""
        if self._configurations_left:
            trial = self._next_point() if self._spec.search.sampler == "grid" else self._next_suggestion()
            if trial is not None:
                self._configurations += 1
                return trial
            self._exhausted = True
        if self._screening.waiting:
            return self._screening.next()
        return self._begin_if_new(Stage.TUNING, *self._under_next_seed.popleft()) if self._queued() else None

    def screened_out(self) -> list[Trial]:
        """Trials that wait and will never go on, now that every configuration is screened."""
        all_screened = self._screening.over and not self._configurations_left and not self._retries_left
        return self._screening.not_kept() if all_screened else []

    def want_seeds(self, seeds: int) -> bool:
        """Train the chosen configuration under that many seeds of the table; whether this is more than before."""
        further = min(seeds - len(self._spec.replicate.seeds), len(self.plan.further_seeds))
        if further <= self._further_seeds:
            return False
        self._further_seeds, self._replicates_begun = further, False
        return True

    def next_replicate(self) -> Trial | None:
        """The chosen configuration with a seed of the table that it has not run with, or None."""
        if self._replicates_begun or not self.tuning_done:
            return None
        if (chosen := self.chosen()) is not None:
            for seed in (*self.plan.replicate_seeds, *self.plan.further_seeds[: self._further_seeds]):
                if (trial := self._begin_if_new(Stage.REPLICATE, chosen, seed)) is not None:
                    return trial
        self._replicates_begun = True
        return None

    def chosen(self) -> Mapping[str, Value] | None:
        """Hyperparameters of the best configuration so far, or of the only one; None where none has finished."""
        if not self.plan.configurations:
            return next(grid_points(self.plan.space))
        found = best_searched(self.tuning_entries(), self.plan.train_seeds, self.objective)
        return found[0].hyperparameters if found is not None else None

    def report(self, trial: Trial, report: Report) -> None:
        """Record a report."""
        self._strata[trial.stage].report(trial.number, report.iteration, report.value)

    def gives_up(self, trial: Trial, iteration: int) -> bool:
        """Whether a trial should stop at its last report. Only those that try a configuration first may."""
        if not self._is_first(trial) or iteration >= self._spec.train.iterations:
            return False
        if self._screening.gives_up(trial, iteration):
            return True
        # some pruners keep rungs: ask at every report, but follow the answer only from where the file allows it
        gives_up = self._strata[trial.stage].pruner_would_stop(trial.number)
        late_enough = iteration >= self._spec.prune.start * self._spec.train.iterations
        return gives_up and late_enough and self._finished_tuning >= self._spec.prune.startup_trials

    def pauses(self, trial: Trial, report: Report) -> bool:
        """Whether a trial waits after this report, the last of its screening, for the others to be screened, too."""
        return self._screening.ends_with(trial, report)

    def is_paused(self, trial: Trial) -> bool:
        """Whether a trial waits for the others to be screened, or for better ones to go on first."""
        return self._screening.is_waiting(trial)

    def _first_entries(self) -> list[Entry]:
        """The trials that tried a configuration for the first time."""
        return [entry for entry in self.tuning_entries() if entry.seed == self.plan.train_seeds[0]]

    def _is_first(self, trial: Trial) -> bool:
        """Whether a trial tries a configuration for the first time."""
        return trial.stage is Stage.TUNING and trial.seed == self.plan.train_seeds[0]

    def end(self, trial: Trial, end: End, select_value: float | None) -> None:
        """Record an outcome."""
        self._strata[trial.stage].end(trial, end, select_value)
        self._running.discard(trial.key)
        self._screening.end(trial)
        if trial.stage is Stage.TUNING and end.outcome is Outcome.FINISHED:
            self._finished_tuning += 1
            self._queue_next_seed(trial.hyperparameters, trial.seed)
        elif trial.stage is Stage.TUNING:
            self._finalists_are_known = self.plan.finalists is None  # another one takes the place of one that is lost

    def finished(self, trial: Trial) -> FinishedTrial:
        """What a trial of equal content can reuse from one that finished here."""
        stratum = self._strata[trial.stage]
        return finished_trial(stratum.name, stratum.entry(trial.number), objective=self.objective)

    def _queue_next_seed(self, hyperparameters: Mapping[str, Value], seed: int) -> None:
        """A configuration that has finished under a seed of the search is trained under the next one.

        Not where only finalists are: these are known once all were tried.
        """
        if self.plan.finalists is not None:
            return
        for later in self.plan.seeds_after(seed)[:1]:
            if self._identify(hyperparameters, later)[1] not in self._keys[Stage.TUNING]:
                self._under_next_seed.append((hyperparameters, later))

    def _queued(self) -> deque[tuple[Mapping[str, Value], int]]:
        """Configurations that are left to be trained under a further seed that searches, with that seed."""
        if not self._finalists_are_known and self._all_tried:
            found = finalists(self.tuning_entries(), self.plan, self.objective)
            pairs = [(entry.hyperparameters, seed) for seed in self.plan.train_seeds[1:] for entry in found]
            known = self._keys[Stage.TUNING]
            self._under_next_seed = deque(pair for pair in pairs if self._identify(*pair)[1] not in known)
            self._finalists_are_known = True
        return self._under_next_seed

    @property
    def _all_tried(self) -> bool:
        """Whether every configuration has ended under the first seed."""
        left = self._configurations_left or self._retries_left
        return not left and all(entry.outcome is not None for entry in self._first_entries())

    def _next_point(self) -> Trial | None:
        seed = self.plan.train_seeds[0]
        trials = (self._begin_if_new(Stage.TUNING, point, seed) for point in self._points)
        return next((trial for trial in trials if trial is not None), None)

    @cached_property
    def _points(self) -> Iterator[dict[str, Value]]:
        """The points of the grid that were not looked at; whatever was tried once is never tried again."""
        points = list(grid_points(self.plan.space))
        if self.plan.configurations < len(points):
            draws = stream(self._spec.search.seed, f"grid/{self.plan.cell.name}")
            order: list[int] = draws.permutation(len(points)).tolist()
            points = [points[index] for index in order]
        return iter(points)

    def _next_suggestion(self) -> Trial | None:
        search = self._spec.search
        if (trial := self._draw(search.sampler, search.arguments, SAMPLER_ATTEMPTS)) is not None:
            return trial
        return self._next_point() if self.plan.points is not None else self._draw("random", {}, RANDOM_ATTEMPTS)

    def _draw(self, sampler: str, arguments: Mapping[str, Value], attempts: int) -> Trial | None:
        search, stratum, seed = self._spec.search, self._strata[Stage.TUNING], self.plan.train_seeds[0]
        for _ in range(attempts):
            number = stratum.asked(seed)
            asked = stratum.ask(make_sampler(sampler, arguments, search.seed, self.plan.cell.name, number))
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
        trial = self._trial(stage, number, key, seed, hyperparameters, config)
        if self._is_first(trial):
            self._screening.begin(trial)
        return trial

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
