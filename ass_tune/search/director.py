"""The director of a study: what runs next, and whether a trial goes on.

It takes results, times and free slots from outside and never sleeps, polls or imports Ray, so that the same
code directs real trials and trials replayed from recorded learning curves.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from ass_tune.ledger.reuse import FinishedTrial, FinishedTrials
from ass_tune.nodes import Node
from ass_tune.search.cell_search import CellSearch
from ass_tune.search.faults import LOSSES, Fault, FaultKind, StudyPaused, same_faults
from ass_tune.trial import End, Listener, Report, Trial, Wait
from trainables.contract import StepResult
from trainables.objective import Objective
from trainables.words import OF_THE_RESULT, Outcome


class Decision(StrEnum):
    """What becomes of a trial after a report."""

    CONTINUE = "continue"
    STOP = "stop"
    PAUSE = "pause"
    """Its slot is free; it goes on from its checkpoint when the director hands it out again."""


@dataclass
class _Running:
    trial: Trial
    last_iteration: int = 0
    select_value: float | None = None
    at_last_fault: int = 0
    """Iteration that had been reached when the last try ended."""
    tries_in_vain: int = 0
    """Tries in a row in which the trial got no further."""
    losses_in_vain: int = 0
    """How often in a row its machine was taken away before it got further."""

    def stopped(self, fault: Fault) -> None:
        """Count a try that ended with a fault, or a machine that was lost, unless the trial got further with it."""
        reached = max(self.last_iteration, fault.saved_at)
        if reached > self.at_last_fault:
            self.tries_in_vain = self.losses_in_vain = 0
        elif fault.kind.of_the_machine:
            self.losses_in_vain += 1
        else:
            self.tries_in_vain += 1
        self.at_last_fault = max(reached, self.at_last_fault)

    def goes_on(self, fault: Fault, tries: int) -> bool:
        """Whether it is tried again after a fault that was counted."""
        return fault.kind.passes and self.tries_in_vain < tries and self.losses_in_vain < LOSSES


class Director:
    """Directs the trials of all cells and informs the listeners of what happens.

    Everything is sent to the record first and written to the ledger second. A resume starts from the ledger, so the
    record never lacks anything that the ledger has; what it already has is sent again and changes nothing there.

    Args:
        searches: one per cell, in the order of the table.
        record: informed first; may be sent the same thing twice.
        listeners: informed once, after the ledger has it.
        finished: finished trials whose results are reused instead of trained again.
        tries: how many tries in a row of a trial that is lost, hung or out of memory may end without a new report or
            checkpoint. A try with one is not counted, nor is a node that is lost or asks for its trials to be handed
            back: a machine that comes and goes is no fault of the trial.
        seeds_wanted: asked when all trials have ended: cells that need further seeds by name, with the number of seeds
            that each then has. It answers from the ledger and from what trials left, never from its own earlier
            answers, so that a resume goes on as it would have gone on.
    """

    def __init__(
        self,
        searches: Sequence[CellSearch],
        record: Listener,
        listeners: Sequence[Listener] = (),
        finished: FinishedTrials | None = None,
        tries: int = 1,
        seeds_wanted: Callable[[], Mapping[str, int]] = dict,
    ) -> None:
        self._searches = {search.plan.cell: search for search in searches}
        self._record, self._listeners = record, listeners
        self._everybody = (record, *listeners)
        self._finished = finished or FinishedTrials()
        self._tries = tries
        self._seeds_wanted = seeds_wanted
        self._faults: list[Fault] = []
        self._running: dict[str, _Running] = {}
        self._twins: dict[str, list[_Running]] = defaultdict(list)
        self._paused: dict[str, _Running] = {}
        self._unfinished: deque[_Running] = deque()
        for search in searches:
            for trial, entry in search.readopt():
                running = _Running(trial, entry.last_iteration, entry.select_value, at_last_fault=entry.last_iteration)
                if search.is_paused(trial):
                    self._paused[trial.key] = running
                else:
                    self._unfinished.append(running)

    @property
    def running(self) -> list[Trial]:
        """The trials that were started and have not ended."""
        return [running.trial for running in self._running.values()]

    def next_trial(self) -> Trial | None:
        """The trial to start now; None if nothing is left, or if all that is left waits for running trials."""
        while (running := self._unfinished.popleft() if self._unfinished else self._next_new()) is not None:
            key = running.trial.key
            if key in self._running or key in self._paused:
                self._twins[key].append(running)
            elif (source := self._finished.take(key)) is not None:
                self._adopt(running, source)
            else:
                self._start(running)
                return running.trial
        return None

    def report(self, key: str, report: Report) -> Decision:
        """Record a report and decide.

        A trial that was interrupted may repeat reports. They change nothing, except that the last one is decided on
        again: the driver may have died before it wrote that decision down.
        """
        running = self._running[key]
        self._write(running, report)
        search = self._searches[running.trial.cell]
        if report.iteration < running.last_iteration:
            return Decision.CONTINUE
        if search.gives_up(running.trial, report.iteration):
            self.end(key, End(Outcome.PRUNED, report.iteration, report.time))
            return Decision.STOP
        paused = search.pauses(running.trial, report)
        if paused:
            self._pause(running)
        self._end_screened_out(search, report.time)
        return Decision.PAUSE if paused else Decision.CONTINUE

    def result(self, key: str, step: StepResult) -> Decision:
        """Take what a step of a trial returned, and say what becomes of the trial; a trial that stops has its end."""
        for notice in step.notices:
            self.notice(key, notice)
        if step.diverged is not None:
            self.end(key, End(Outcome.DIVERGED, step.iteration, step.time, error=step.diverged))
            return Decision.STOP
        decision = self.report(key, Report(step.iteration, step.metrics, step.time, self._objective_of(key)))
        if step.final:
            final = {name: value for name, value in step.metrics.items() if name.startswith(OF_THE_RESULT)}
            self.end(key, End(Outcome.FINISHED, step.iteration, step.time, final, step.artifacts))
            return Decision.STOP
        return decision

    def notice(self, key: str, notice: str) -> None:
        """Pass on a message to people about a running trial."""
        for listener in self._everybody:
            listener.trial_noticed(self._running[key].trial, notice)

    def waits(self, waits: Sequence[Wait]) -> None:
        """Pass on to people which trials are late, and why."""
        for listener in self._listeners:
            listener.trials_wait(waits)

    def ends_early(self, how: str) -> None:
        """Pass on to people that the study ends before it is done."""
        for listener in self._listeners:
            listener.study_ends_early(how)

    def nodes(self, nodes: Sequence[Node]) -> None:
        """Pass on to people what the nodes of the cluster do."""
        for listener in self._listeners:
            listener.nodes_changed(nodes)

    def fault(self, key: str, fault: Fault, time: float) -> None:
        """A try of a trial failed: try it again if the fault may pass, else end the trial.

        Raises StudyPaused where other trials would fail in the same way.
        """
        running = self._running[key]
        if fault.kind is FaultKind.NO_ROOM:
            raise StudyPaused(f"{running.trial.name}: {fault.summary}")
        if fault.kind is FaultKind.UNFIT_NODE:
            self._try_again(running, fault.summary)
            return
        running.stopped(fault)
        if running.goes_on(fault, self._tries):
            self._try_again(running, f"{fault.kind}, {self._counted(running, fault)}: {fault.summary}")
            return
        self.end(key, End(Outcome.FAILED, running.last_iteration, time, error=fault.error))
        self._faults.append(fault)
        if fault.kind in (FaultKind.BUG, FaultKind.LOST) and same_faults(self._faults):
            same = f"one trial after the other ends with the same error: {fault.summary}"
            raise StudyPaused(f"{same} (the last of them: {running.trial.name})")

    def end(self, key: str, end: End) -> None:
        """Record how a trial ended."""
        running = self._running.pop(key)
        search = self._searches[running.trial.cell]
        self._record.trial_ended(running.trial, end)
        search.end(running.trial, end, running.select_value)
        for listener in self._listeners:
            listener.trial_ended(running.trial, end)
        if end.outcome is not Outcome.FAILED:
            self._faults.clear()
        if end.outcome is Outcome.FINISHED:
            self._finished.add(key, search.finished(running.trial))
        self._unfinished.extend(self._twins.pop(key, []))
        self._end_screened_out(search, end.time)

    def _objective_of(self, key: str) -> Objective:
        return self._searches[self._running[key].trial.cell].objective

    def _counted(self, running: _Running, fault: Fault) -> str:
        if running.tries_in_vain and not fault.kind.of_the_machine:
            return f"try {running.tries_in_vain} of {self._tries} without a new report"
        return f"goes on from iteration {max(running.last_iteration, fault.saved_at)}"

    def _start(self, running: _Running) -> None:
        self._running[running.trial.key] = running
        for listener in self._everybody:
            listener.trial_started(running.trial)

    def _write(self, running: _Running, report: Report) -> None:
        trial = running.trial
        self._record.trial_reported(trial, report)
        if report.iteration <= running.last_iteration:
            return
        self._searches[trial.cell].report(trial, report)
        running.last_iteration, running.select_value = report.iteration, report.value
        for listener in self._listeners:
            listener.trial_reported(trial, report)

    def _try_again(self, running: _Running, notice: str) -> None:
        self.notice(running.trial.key, notice)
        self._unfinished.append(running)
        del self._running[running.trial.key]
        for listener in self._everybody:
            listener.trial_interrupted(running.trial)

    def _pause(self, running: _Running) -> None:
        self._paused[running.trial.key] = self._running.pop(running.trial.key)
        for listener in self._everybody:
            listener.trial_paused(running.trial)

    def _end_screened_out(self, search: CellSearch, time: float) -> None:
        for trial in search.screened_out():
            running = self._running[trial.key] = self._paused.pop(trial.key)
            self.end(trial.key, End(Outcome.PRUNED, running.last_iteration, time))

    def _adopt(self, running: _Running, source: FinishedTrial) -> None:
        """Let a trial end with the curve and the result of a finished trial of equal content."""
        running.trial = replace(running.trial, reused_from=source.name)
        self._start(running)
        for report in source.reports:
            self._write(running, report)
            self._searches[running.trial.cell].gives_up(running.trial, report.iteration)  # some pruners keep rungs
        self.end(running.trial.key, source.end)

    def _next_new(self) -> _Running | None:
        trial = self._next_retry() or self._next_tuning() or self._next_replicate()
        while trial is None and not self._running and self._add_seeds():
            trial = self._next_replicate()
        return None if trial is None else self._paused.pop(trial.key, None) or _Running(trial)

    def _next_retry(self) -> Trial | None:
        trials = (search.next_retry() for search in self._searches.values())
        return next((trial for trial in trials if trial is not None), None)

    def _next_tuning(self) -> Trial | None:
        """From the cell whose search is least advanced, so that all cells advance together."""
        for search in sorted(self._searches.values(), key=lambda search: search.turn):
            if (trial := search.next_tuning()) is not None:
                return trial
        return None

    def _add_seeds(self) -> bool:
        """Whether some cell has got another seed."""
        by_name = {cell.name: search for cell, search in self._searches.items()}
        added = [by_name[cell].want_seeds(seeds) for cell, seeds in self._seeds_wanted().items()]
        return any(added)

    def _next_replicate(self) -> Trial | None:
        trials = (search.next_replicate() for search in self._searches.values())
        return next((trial for trial in trials if trial is not None), None)
