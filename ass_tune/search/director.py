"""The director of a study: what runs next, and whether a trial goes on.

It takes results, times and free slots from outside and never sleeps, polls or imports Ray, so that the same
code directs real trials and trials replayed from recorded learning curves.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from ass_tune.ledger.reuse import FinishedTrial, FinishedTrials
from ass_tune.search.cell_search import CellSearch
from ass_tune.search.faults import Fault, FaultKind, StudyPaused, same_faults
from ass_tune.trial import End, Listener, Report, Trial
from trainables.words import Outcome


class Decision(StrEnum):
    """What becomes of a trial after a report."""

    CONTINUE = "continue"
    STOP = "stop"


@dataclass
class _Running:
    trial: Trial
    last_iteration: int = 0
    select_miou: float | None = None


class Director:
    """Directs the trials of all cells and tells the listeners what happens.

    The record is told before the ledger, since a resume goes by the ledger: whatever that has, the record had first,
    and what the record has beyond it is told again and changes nothing there.

    Args:
        searches: one per cell, in the order of the table.
        record: told first; told twice, it keeps one.
        listeners: told once, after the ledger has it.
        finished: trials of other studies whose results are adopted instead of trained again.
        tries: how often a trial is begun in one run of the study where its process is lost, hung or out of memory.
    """

    def __init__(
        self,
        searches: Sequence[CellSearch],
        record: Listener,
        listeners: Sequence[Listener] = (),
        finished: FinishedTrials | None = None,
        tries: int = 1,
    ) -> None:
        self._searches = {search.plan.cell: search for search in searches}
        self._record, self._listeners = record, listeners
        self._everybody = (record, *listeners)
        self._finished = finished or FinishedTrials()
        self._tries = tries
        self._faults: list[Fault] = []
        self._faults_of: dict[str, int] = defaultdict(int)
        self._running: dict[str, _Running] = {}
        self._twins: dict[str, list[_Running]] = defaultdict(list)
        self._unfinished = deque(
            _Running(trial, entry.last_iteration, entry.select_miou)
            for search in searches
            for trial, entry in search.readopt()
        )

    @property
    def running(self) -> list[Trial]:
        """The trials that were handed out and have not ended."""
        return [running.trial for running in self._running.values()]

    def next_trial(self) -> Trial | None:
        """The trial to start now, or None while everything left waits for running trials or nothing is left."""
        while (running := self._unfinished.popleft() if self._unfinished else self._next_new()) is not None:
            key = running.trial.key
            if key in self._running:
                self._twins[key].append(running)
            elif (source := self._finished.take(key)) is not None:
                self._adopt(running, source)
            else:
                self._start(running)
                return running.trial
        return None

    def report(self, key: str, report: Report) -> Decision:
        """Record a report and decide.

        A trial that was interrupted repeats reports. They change nothing, but on the last one a decision may be due
        that a dying driver could not write down.
        """
        running = self._running[key]
        self._write(running, report)
        search = self._searches[running.trial.cell]
        if report.iteration < running.last_iteration or not search.gives_up(running.trial, report.iteration):
            return Decision.CONTINUE
        self.end(key, End(Outcome.PRUNED, report.iteration, report.time))
        return Decision.STOP

    def notice(self, key: str, notice: str) -> None:
        """Pass on what people should know of a running trial."""
        for listener in self._everybody:
            listener.trial_noticed(self._running[key].trial, notice)

    def fault(self, key: str, fault: Fault, time: float) -> None:
        """A try of a trial came to nothing: try again what may pass, end what will not.

        Raises StudyPaused where going on would only repeat it.
        """
        running = self._running[key]
        if fault.kind is FaultKind.NO_ROOM:
            raise StudyPaused(f"{running.trial.name}: {fault.summary}")
        self._faults_of[key] += 1
        if fault.kind.passes and self._faults_of[key] < self._tries:
            self._try_again(running, f"{fault.kind}, try {self._faults_of[key]} of {self._tries}: {fault.summary}")
            return
        self.end(key, End(Outcome.FAILED, running.last_iteration, time, error=fault.error))
        self._faults.append(fault)
        if fault.kind is FaultKind.BUG and same_faults(self._faults):
            raise StudyPaused(f"one trial after the other ends with the same error: {fault.summary}")

    def end(self, key: str, end: End) -> None:
        """Record how a trial ended."""
        running = self._running.pop(key)
        search = self._searches[running.trial.cell]
        self._record.trial_ended(running.trial, end)
        search.end(running.trial, end, running.select_miou)
        for listener in self._listeners:
            listener.trial_ended(running.trial, end)
        if end.outcome is not Outcome.FAILED:
            self._faults.clear()
        if end.outcome is Outcome.FINISHED:
            self._finished.add(key, search.finished(running.trial))
        self._unfinished.extend(self._twins.pop(key, []))

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
        running.last_iteration, running.select_miou = report.iteration, report.miou
        for listener in self._listeners:
            listener.trial_reported(trial, report)

    def _try_again(self, running: _Running, notice: str) -> None:
        self.notice(running.trial.key, notice)
        del self._running[running.trial.key]
        self._unfinished.append(running)
        for listener in self._everybody:
            listener.trial_interrupted(running.trial)

    def _adopt(self, running: _Running, source: FinishedTrial) -> None:
        """Let a trial end with the curve and the result of a trial that was the same."""
        running.trial = replace(running.trial, reused_from=source.name)
        self._start(running)
        for report in source.reports:
            self._write(running, report)
            self._searches[running.trial.cell].gives_up(running.trial, report.iteration)  # some pruners keep rungs
        self.end(running.trial.key, source.end)

    def _next_new(self) -> _Running | None:
        trial = self._next_retry() or self._next_tuning() or self._next_replicate()
        return None if trial is None else _Running(trial)

    def _next_retry(self) -> Trial | None:
        trials = (search.next_retry() for search in self._searches.values())
        return next((trial for trial in trials if trial is not None), None)

    def _next_tuning(self) -> Trial | None:
        """From the cell that has begun the fewest tuning trials, so that all cells advance together."""
        for search in sorted(self._searches.values(), key=lambda search: search.tuning_begun):
            if (trial := search.next_tuning()) is not None:
                return trial
        return None

    def _next_replicate(self) -> Trial | None:
        trials = (search.next_replicate() for search in self._searches.values())
        return next((trial for trial in trials if trial is not None), None)
