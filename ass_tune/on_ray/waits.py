"""Finds trials that should have started or reported by now, and says why they have not, for as long as it lasts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from ray.tune import Callback
from ray.tune.experiment import Trial as RayTrial

from ass_tune.nodes import NodeState
from ass_tune.on_ray.node_records import read_nodes
from ass_tune.on_ray.placement import Placement
from ass_tune.on_ray.preparation import Preparation, preparation_of
from ass_tune.on_ray.resources import why_unplaced
from ass_tune.on_ray.storage_waits import forget_storage_wait, storage_waits
from ass_tune.on_ray.watchdog import Watchdog
from ass_tune.on_ray.worker_logs import log_of_the_newest_process
from ass_tune.search.director import Director
from ass_tune.trial import Trial, Wait
from ass_tune.wording import format_seconds

CHECK_EVERY = 5.0
LATE = 20.0
"""Seconds after which a trial that has not started is explained, and the least silence of one that has."""
LATE_AT_FIRST = 120.0
"""Silence that is explained while it is not known how long a report takes."""
FOR_STORAGE = "waits for its storage, and goes on when that answers"
MULTIPLE = 3.0
"""How many times as long as a report takes a trial may be silent before it is explained."""


class WaitWatcher(Callback):
    """Informs the director's listeners of trials that are late, every few seconds while there are any.

    Args:
        director: whose trials are watched.
        watchdog: knows how long reports take, and when it ends a silent trial.
        placement: where trials may run.
    """

    def __init__(self, director: Director, watchdog: Watchdog, placement: Placement) -> None:
        self._director, self._watchdog, self._placement = director, watchdog, placement
        self._since: dict[str, float] = {}
        """When each running trial was handed out or last heard of, in seconds since the epoch."""
        self._started: set[str] = set()
        self._next = 0.0
        self._any = False

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Ray pickles it for a restore that is never made, since the ledger is the state."""
        return {}

    def on_trial_start(self, iteration: int, trials: list[RayTrial], trial: RayTrial, **info: Any) -> None:
        """Its process is ready to train."""
        self._started.add(trial.config["key"])
        self._since[trial.config["key"]] = time.time()

    def on_trial_result(
        self, iteration: int, trials: list[RayTrial], trial: RayTrial, result: dict[str, Any], **info: Any
    ) -> None:
        """It trains."""
        self._since[trial.config["key"]] = time.time()

    def on_trial_complete(self, iteration: int, trials: list[RayTrial], trial: RayTrial, **info: Any) -> None:
        """Nothing more is expected of it."""
        self._forget(trial.config["key"])

    def on_trial_error(self, iteration: int, trials: list[RayTrial], trial: RayTrial, **info: Any) -> None:
        """If it is tried again, it waits anew."""
        self._forget(trial.config["key"])
        forget_storage_wait(trial.config["key"])

    def on_step_end(self, iteration: int, trials: list[RayTrial], **info: Any) -> None:
        """Ray calls this several times a second."""
        if (now := time.monotonic()) < self._next:
            return
        self._next = now + CHECK_EVERY
        waits = list(self._waits(time.time()))
        if waits or self._any:
            self._director.waits(waits)
        self._any = bool(waits)

    def _forget(self, key: str) -> None:
        self._since.pop(key, None)
        self._started.discard(key)

    def _waits(self, now: float) -> Iterator[Wait]:
        running, for_storage = self._director.running, storage_waits()
        not_started: list[Trial] = []
        for trial in running:
            since = self._since.setdefault(trial.key, now)
            if (wait := for_storage.get(trial.key)) is not None:
                self._since[trial.key] = now
                yield Wait(trial=trial.name, reason=FOR_STORAGE, details=wait.why, since=wait.since)
            elif trial.key in self._started:
                if now - since > self._patience:
                    yield Wait(trial=trial.name, reason=self._why_silent(), details="", since=since)
            elif now - since > LATE:
                not_started.append(trial)
        for trial, (reason, details) in why_not_started(not_started, self._placement):
            yield Wait(trial=trial.name, reason=reason, details=details, since=self._since[trial.key])

    @property
    def _patience(self) -> float:
        expected = self._watchdog.expected
        return LATE_AT_FIRST if expected is None else max(LATE, MULTIPLE * expected)

    def _why_silent(self) -> str:
        if self._watchdog.expected is None:
            return "trains and has not reported yet; how long a report takes is not known"
        patience = format_seconds(self._watchdog.patience)
        return f"silent for longer than reports take; after {patience} of silence its process is ended and tried again"


def why_not_started(trials: list[Trial], placement: Placement) -> Iterator[tuple[Trial, tuple[str, str]]]:
    """Reason and details why trials that Ray was given have not started.

    Those whose processes prepare them say so. Of the others Ray has placed as many as it creates processes for.
    """
    unknown: list[Trial] = []
    preparing = 0
    for trial in trials:
        if (preparation := preparation_of(trial.key)) is not None:
            preparing += 1
            yield trial, (f"its process {preparation.process} {_what_it_does(preparation)}", "")
        else:
            unknown.append(trial)
    if not unknown:
        return
    placed = max(0, _processes_that_start() - preparing)
    if starting := unknown[:placed]:
        reason = "Ray has found a place for it, but its process does not start", log_of_the_newest_process()
        yield from ((trial, reason) for trial in starting)
    if waiting := unknown[placed:]:
        reason = why_unplaced(placement.asked, placement.set_aside)
        yield from ((trial, reason) for trial in waiting)


def _what_it_does(preparation: Preparation) -> str:
    record = read_nodes([preparation.node_id]).get(preparation.node_id)
    if record is not None and record.state is NodeState.PREPARING:
        return f"waits for its node: {record.details}"
    return "imports code and builds data and network"


def _processes_that_start() -> int:
    """How many trials of this study have a place on a node, and no process that is ready."""
    import ray
    from ray._private.state import actors

    job = ray.get_runtime_context().get_job_id()
    return sum(actor["JobID"] == job for actor in actors(actor_state_name="PENDING_CREATION").values())
