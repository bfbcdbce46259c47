"""Virtual slots: what happens when, whatever a director makes of it."""

from __future__ import annotations

from collections.abc import Iterator

from ass_tune.replay.virtual_time import Event, TryFailed, VirtualSlots
from ass_tune.search.director import Decision
from ass_tune.search.faults import Fault, FaultKind
from ass_tune.trial import End, Trial
from trainables.contract import StepResult
from trainables.words import Cell, Outcome, Stage


class Queue:
    """Directs trials in a given order and writes down what it is told."""

    def __init__(self, names: list[str], stops: set[tuple[str, int]] = frozenset()) -> None:  # type: ignore[assignment]
        self.names, self.stops, self.told = list(names), stops, []

    def next_trial(self) -> Trial | None:
        return Trial(self.names.pop(0), Cell(()), Stage.TUNING, 0, 0, {}, {}) if self.names else None

    def result(self, key: str, step: StepResult) -> Decision:
        self.told.append((key, step.iteration, step.time))
        return Decision.STOP if step.final or (key, step.iteration) in self.stops else Decision.CONTINUE

    def fault(self, key: str, fault: Fault, time: float) -> None:
        self.told.append((key, fault.error, time))
        self.names.append(key.upper())

    def end(self, key: str, end: End) -> None:
        self.told.append((key, str(end.outcome), end.time))


def every(seconds: dict[str, float], reports: int = 2):
    def life(trial: Trial, time: float) -> Iterator[Event]:
        for iteration in range(1, reports + 1):
            time += seconds.get(trial.key, 1.0)
            yield StepResult(iteration=iteration, time=time, metrics={}, final=iteration == reports)

    return life


def test_the_faster_trial_is_first_and_of_equal_times_the_one_that_was_foreseen_first() -> None:
    queue = Queue(["a", "b", "c"])
    slots = VirtualSlots(queue, every({"a": 2.0}))
    slots.run(2)
    assert queue.told == [("b", 1, 1.0), ("a", 1, 2.0), ("b", 2, 2.0), ("c", 1, 3.0), ("a", 2, 4.0), ("c", 2, 4.0)]
    assert slots.now == 4.0


def test_a_stopped_trial_frees_its_slot_at_once() -> None:
    queue = Queue(["a", "b"], stops={("a", 1)})
    VirtualSlots(queue, every({}, reports=3)).run(1)
    assert queue.told == [("a", 1, 1.0), ("b", 1, 2.0), ("b", 2, 3.0), ("b", 3, 4.0)]


def test_stopped_dead_they_go_on_where_they_were() -> None:
    whole, halves = Queue(["a", "b", "c"]), Queue(["a", "b", "c"])
    VirtualSlots(whole, every({"b": 0.7})).run(2)
    slots = VirtualSlots(halves, every({"b": 0.7}))
    slots.run(2, events=3)
    assert halves.told == whole.told[:3]
    slots.run(2)
    assert halves.told == whole.told


def test_faults_and_ends_without_a_result_reach_the_director() -> None:
    def life(trial: Trial, time: float) -> Iterator[Event]:
        if trial.key == "a":
            yield TryFailed(time + 1, Fault(FaultKind.LOST, "lost"))
        else:
            yield End(Outcome.PRUNED, 0, time)

    queue = Queue(["a"])
    VirtualSlots(queue, life).run(1)
    assert queue.told == [("a", "lost", 1.0), ("A", "pruned", 1.0)]
