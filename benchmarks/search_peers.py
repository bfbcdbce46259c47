"""Other people's ways to stop trials, as directors of virtual slots: same configurations, same order, same workers.

Optuna's pruners need none of this: they run in the product's own search.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from ray.tune.schedulers import ASHAScheduler, TrialScheduler

from ass_tune.replay.curve_set import CurveSet, RecordedCell
from ass_tune.replay.replay import Lives
from ass_tune.replay.virtual_time import Event
from ass_tune.search.director import Decision
from ass_tune.search.faults import Fault
from ass_tune.trial import End, Listener, Report, Trial
from trainables.contract import StepResult
from trainables.words import SELECT, Cell, Outcome, Stage


class Peer(ABC):
    """Starts the first configuration of every cell, then the second, and so on, each under the first seed.

    Subclasses stop trials. Told of everything is the listener, as the director tells its own.
    """

    def __init__(self, curves: CurveSet, listener: Listener) -> None:
        self.curves, self.last = curves, curves.iterations[-1]
        self._listener = listener
        self._queue = deque(
            trial_of(cell, place) for place in _places(curves) for cell in curves.cells if _has(cell, place)
        )
        self._running: dict[str, Trial] = {}

    def next_trial(self) -> Trial | None:
        """The next one in the order of all."""
        return self.start(self._queue.popleft()) if self._queue else None

    def start(self, trial: Trial) -> Trial:
        """Let a trial run."""
        self._running[trial.key] = trial
        return trial

    def result(self, key: str, step: StepResult) -> Decision:
        """Pass it on, and decide."""
        trial = self._running[key]
        if step.diverged is not None:
            self.end(key, End(Outcome.DIVERGED, step.iteration, step.time, error=step.diverged))
            return Decision.STOP
        self._listener.trial_reported(trial, Report(step.iteration, step.metrics, step.time))
        goes_on = self.judge(trial, step.iteration, step.metrics[SELECT])
        if step.final:
            self.end(key, End(Outcome.FINISHED, step.iteration, step.time, step.metrics))
        elif not goes_on:
            self.end(key, End(Outcome.PRUNED, step.iteration, step.time))
        return Decision.STOP if step.final or not goes_on else Decision.CONTINUE

    @abstractmethod
    def judge(self, trial: Trial, iteration: int, value: float) -> bool:
        """Whether a trial goes on after a report."""

    def end(self, key: str, end: End) -> None:
        """A trial has ended."""
        self._listener.trial_ended(self._running.pop(key), end)

    def fault(self, key: str, fault: Fault, time: float) -> None:
        """Recorded trials have none."""
        raise AssertionError(fault.error)


class Asha(Peer):
    """Ray's own scheduler objects, one for each cell."""

    def __init__(self, curves: CurveSet, listener: Listener, reduction_factor: float = 4) -> None:
        super().__init__(curves, listener)
        self._schedulers = {cell.cell: self._scheduler(reduction_factor) for cell in curves.cells}
        self._trials: dict[str, Any] = {}

    def _scheduler(self, reduction_factor: float) -> ASHAScheduler:
        return ASHAScheduler(
            time_attr="iteration",
            metric=SELECT,
            mode="max",
            max_t=self.last,
            grace_period=self.curves.iterations[0],
            reduction_factor=reduction_factor,
        )

    def start(self, trial: Trial) -> Trial:
        """Add it to the scheduler of its cell."""
        self._trials[trial.key] = SimpleNamespace(trial_id=trial.key, status="RUNNING")
        self._schedulers[trial.cell].on_trial_add(None, self._trials[trial.key])  # pyright: ignore[reportArgumentType]
        return super().start(trial)

    def judge(self, trial: Trial, iteration: int, value: float) -> bool:
        """Ask the scheduler of its cell."""
        result = {"iteration": iteration, SELECT: value}
        scheduler = self._schedulers[trial.cell]
        decision = scheduler.on_trial_result(None, self._trials[trial.key], result)  # pyright: ignore[reportArgumentType]
        return decision == TrialScheduler.CONTINUE


class Screening(Peer):
    """A constant number of reports for every configuration; once a cell has them all, some of it goes on."""

    def __init__(self, curves: CurveSet, listener: Listener, reports: int) -> None:
        super().__init__(curves, listener)
        self._until = curves.iterations[reports - 1]
        self._screened: dict[Cell, dict[int, float]] = {cell.cell: {} for cell in curves.cells}
        self._left = {cell.cell: len(cell.configurations) for cell in curves.cells}
        self._cells = {cell.cell: cell for cell in curves.cells}

    @abstractmethod
    def go_on(self, cell: RecordedCell, found: Mapping[int, float]) -> None:
        """All of a cell are screened: `found` has the value of each configuration that did not diverge."""

    def judge(self, trial: Trial, iteration: int, value: float) -> bool:
        """Pause it at the end of the screening."""
        if iteration == self._until and not trial.config["begins"]:
            self._screened[trial.cell][trial.config["place"]] = value
        return iteration != self._until

    def end(self, key: str, end: End) -> None:
        """After the last screening of a cell, let some go on."""
        trial = self._running[key]
        super().end(key, end)
        if trial.config["begins"]:
            return
        self._left[trial.cell] -= 1
        if not self._left[trial.cell]:
            self.go_on(self._cells[trial.cell], self._screened[trial.cell])


class IEpoch(Screening):
    """A constant number of reports for everybody; then the best few of each cell go on to the end.

    arXiv 2404.04111. Its `reports` and `best` are i and k there.
    """

    def __init__(self, curves: CurveSet, listener: Listener, reports: int = 1, best: int = 3) -> None:
        super().__init__(curves, listener, reports)
        self._best = best

    def go_on(self, cell: RecordedCell, found: Mapping[int, float]) -> None:
        """Queue the best."""
        for place in sorted(found, key=lambda place: -found[place])[: self._best]:
            self._queue.append(trial_of(cell, place, begins=self._until))


class Oracle(Peer):
    """Knows how every training ends, and goes on after the first report with the best configuration alone."""

    def judge(self, trial: Trial, iteration: int, value: float) -> bool:
        """Whether it is the best configuration."""
        cell = next(cell for cell in self.curves.cells if cell.cell == trial.cell)
        return trial.config["place"] == int(np.argmax(np.where(np.isnan(cell.truth), -np.inf, cell.truth)))


class Resuming:
    """What recorded trials do that may go on from a report at which they were paused."""

    def __init__(self, lives: Lives) -> None:
        self._lives = lives

    def __call__(self, trial: Trial, time: float) -> Iterator[Event]:
        """What follows after the report at which it was paused, from now on."""
        begins, skipped = trial.config["begins"], 0.0
        for event in self._lives(trial, time):
            if isinstance(event, StepResult) and event.iteration <= begins:
                skipped = event.time - time
            elif isinstance(event, StepResult) and skipped:
                yield event.model_copy(update={"time": event.time - skipped})
            else:
                yield event


def _places(curves: CurveSet) -> Sequence[int]:
    return range(max(len(cell.configurations) for cell in curves.cells))


def _has(cell: RecordedCell, place: int) -> bool:
    return place < len(cell.configurations)


def trial_of(cell: RecordedCell, place: int, begins: int = 0, seed: int = 0, **config: int) -> Trial:
    """A trial of a configuration that goes on from an iteration, under the first seed or a later one."""
    key = f"{cell.cell.name}/{place}/{seed}/{begins}"
    return Trial(
        key, cell.cell, Stage.TUNING, place, cell.seeds[seed], {}, {"place": place, "begins": begins, **config}
    )
