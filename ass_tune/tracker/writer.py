"""The one thread that brings the outbox to MLflow, for as long as it takes: in a process of its own, or in ours."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from analysis.records import Line, Metrics, Record, RunEnded, RunStarted, Tags, decode
from ass_tune.tracker.outbox import Outbox
from ass_tune.tracker.recorder import Recorder, RecordError
from trainables.credentials import without_credentials
from trainables.patience import first_line
from trainables.storage import NO_ROOM

logger = logging.getLogger(__name__)
_NEVER_ACCEPTED = {"INVALID_PARAMETER_VALUE", "BAD_REQUEST", "MALFORMED_REQUEST"}
_COMES_BACK = {"TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED"}


@dataclass(frozen=True)
class Patience:
    """How long the writer waits for what, and how it meets errors.

    A store that cannot be reached or opened, or that accepts nothing, is waited for without end. `tries` counts only
    failures of one that answers otherwise: after so many, the record itself is taken for the cause, if the store
    accepts something else.
    """

    gathering: float = 2.0
    """Seconds that records wait for others: one call to MLflow costs far more than one of its records."""
    first_pause: float = 0.5
    longest_pause: float = 30.0
    tries: int = 10
    tries_at_close: int = 3

    def pause(self, attempt: int) -> float:
        """Seconds until the next try, longer each time. The power is bounded because a float is."""
        return min(self.longest_pause, self.first_pause * 2 ** min(attempt, 32))


Delivery = list[tuple[Line, Record]]


class _Stopped(Exception):
    """The writer has to give up."""


class Writer:
    """Drains an outbox into MLflow from the moment it is made; nothing it meets reaches the thread that made it.

    Args:
        outbox: what is to be delivered; the writer reads and confirms, others append.
        recorder: how it is delivered; used by the writer's thread only.
        patience: pauses and tries.
        batch: most records taken from the outbox at once; those of one run travel together, as do runs without files.
    """

    def __init__(self, outbox: Outbox, recorder: Recorder, patience: Patience | None = None, batch: int = 1000) -> None:
        self._outbox, self._recorder, self._batch = outbox, recorder, batch
        self._patience = patience or Patience()
        self._news, self._closing, self._stop = threading.Event(), threading.Event(), threading.Event()
        self._tries_at_close = 0
        self.trouble: str | None = None
        """Why nothing is delivered at present, without credentials; None while all is well."""
        self._thread = threading.Thread(target=self._run, name="mlflow-writer", daemon=True)
        self._thread.start()

    @property
    def experiment(self) -> str:
        """Id of the study's experiment; empty as long as MLflow has not been reached."""
        return self._recorder.experiment

    def notify(self) -> None:
        """There is something new in the outbox."""
        self._news.set()

    def close(self, timeout: float) -> int:
        """Deliver what is left; returns how many records still wait in the outbox.

        Ends early where MLflow does not answer. What waits is delivered by the next writer on the same outbox.

        Args:
            timeout: seconds to wait at most.
        """
        self._closing.set()
        self._news.set()
        self._thread.join(timeout)
        if self._thread.is_alive() and self.trouble is None:
            self.trouble = f"not done within {timeout:g} s"
        self._stop.set()
        self._thread.join(1.0)
        return self._outbox.waiting

    def _run(self) -> None:
        try:
            self._offer_again()
            while True:
                self._news.clear()
                nothing_follows = self._closing.is_set()  # Asked before reading: what comes in between is read too.
                if lines := self._outbox.read(self._batch):
                    self._deliver_all(lines)
                elif nothing_follows:
                    return
                else:
                    self._news.wait()
                if len(lines) < self._batch:
                    self._closing.wait(self._patience.gathering)
        except _Stopped:
            return

    def _offer_again(self) -> None:
        """Deliver once more, whole, the runs of which records were set aside: what refused them may be mended."""
        lines, sequences, keys = self._outbox.refused()
        if not lines:
            return
        self._recorder.fill_gaps(keys)
        entries = self._outbox.of_runs(keys, sequences)
        while batch := list(itertools.islice(entries, self._batch)):
            self._deliver_runs(batch)
        self._keep(lambda: self._outbox.forget_set_aside(lines))

    def _deliver_all(self, lines: Sequence[Line]) -> None:
        self._deliver_runs(lines)
        self._keep(lambda: self._outbox.confirm(lines[-1]))

    def _deliver_runs(self, lines: Sequence[Line]) -> None:
        runs: dict[str, Delivery] = {}
        for line in lines:
            try:
                record = decode(line.body)
            except ValueError as error:
                self._set_aside(line, str(error))
            else:
                runs.setdefault(record.key, []).append((line, record))
        for together, found in itertools.groupby(runs.values(), key=_is_of_one_run):
            deliveries = list(found)
            if not (together and self._delivered_together(deliveries)):
                for delivery in deliveries:
                    self._deliver(delivery)

    def _delivered_together(self, deliveries: Sequence[Delivery]) -> bool:
        """Whether records of several runs arrived at once. If not, each run is delivered alone, and may be refused."""
        if len(deliveries) == 1:
            return False
        try:
            self._recorder.apply_together([record for _, record in delivery] for delivery in deliveries)
        except Exception:  # of whatever kind, it comes again with the run that it is about
            self._recorder.forget()
            return False
        self._all_well()
        return True

    def _deliver(self, delivery: Delivery) -> None:
        """Records of one run; halved where MLflow refuses them, until the one that it refuses stands alone."""
        refusal = self._insist([record for _, record in delivery])
        if refusal is None:
            return
        if len(delivery) == 1:
            self._set_aside(delivery[0][0], refusal)
            return
        middle = len(delivery) // 2
        self._deliver(delivery[:middle])
        self._deliver(delivery[middle:])

    def _insist(self, records: Sequence[Record]) -> str | None:
        """Apply records, again and again while the cause may pass; returns why they are refused, or None."""
        failures = 0
        for attempt in itertools.count():
            connected = False
            try:
                self._recorder.connect()
                connected = True
                self._recorder.apply(records)
            except Exception as error:  # Stores of artifacts and of runs raise what their own libraries raise.
                self._recorder.forget()
                # A store that cannot be opened says nothing of a record, and explains the failures before as well.
                failures = failures + (not _comes_back(error)) if connected else 0
                suspect = connected and (_never_accepted(error) or failures >= self._patience.tries)
                if suspect and (isinstance(error, RecordError) or self._accepts_others()):
                    return str(error)
                self._pause(attempt, error)
            else:
                self._all_well()
                return None
        raise AssertionError("counts without end")

    def _accepts_others(self) -> bool:
        """Whether the store accepts something that it can have no reason to refuse."""
        try:
            self._recorder.write_something()
        except Exception:
            self._recorder.forget()
            return False
        return True

    def _keep(self, action: Callable[[], None]) -> None:
        """Write a small file of our own, as soon as there is room for it."""
        for attempt in itertools.count():
            try:
                return action()
            except OSError as error:
                self._pause(attempt, error)
        raise AssertionError("counts without end")

    def _set_aside(self, line: Line, error: str) -> None:
        self._keep(lambda: self._outbox.set_aside(line, error))
        reason, path = without_credentials(error), self._outbox.rejected_path
        logger.warning("record %d was refused and is set aside in %s: %s", line.sequence, path, reason)

    def _pause(self, attempt: int, error: Exception) -> None:
        """Wait, longer each time, but never once there is nobody left to wait for."""
        reason = f"{type(error).__name__}: {first_line(error)}"
        if self.trouble is None:
            logger.warning("nothing reaches MLflow at present, records wait in %s: %s", self._outbox.path, reason)
        self.trouble = reason
        if self._closing.is_set():
            self._tries_at_close += 1
            self._stop.wait(self._patience.first_pause)
        else:
            self._closing.wait(self._patience.pause(attempt))
        if self._stop.is_set() or self._tries_at_close >= self._patience.tries_at_close:
            raise _Stopped

    def _all_well(self) -> None:
        if self.trouble is not None:
            logger.warning("MLflow accepts records again, %d are on their way", self._outbox.waiting)
        self.trouble = None
        self._tries_at_close = 0
        if self._stop.is_set():
            raise _Stopped


def _is_of_one_run(delivery: Delivery) -> bool:
    """Whether the records tell of a run alone. Files take as long as they take, and others ask about other runs."""
    return all(isinstance(record, RunStarted | Metrics | Tags | RunEnded) for _, record in delivery)


def _never_accepted(error: Exception) -> bool:
    return isinstance(error, RecordError) or getattr(error, "error_code", None) in _NEVER_ACCEPTED


def _comes_back(error: Exception) -> bool:
    full = isinstance(error, OSError) and error.errno in NO_ROOM
    return full or getattr(error, "error_code", None) in _COMES_BACK
