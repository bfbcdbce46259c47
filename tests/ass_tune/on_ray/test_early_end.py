"""When a study starts nothing more, asks its trials to save themselves, and ends: at signals and near its limit."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from ray.tune.experiment import Trial as RayTrial

from ass_tune.limit import TimeLimit
from ass_tune.on_ray.early_end import GRACE, EarlyEnd, EndsEarly
from ass_tune.on_ray.hand_back import EVERYWHERE, HandBack
from ass_tune.on_ray.watchdog import Watchdog
from ass_tune.spec import StudySpec
from ass_tune.trial import Listener, Trial

Spec = Callable[..., StudySpec]


class Asked(HandBack):
    """Remembers where trials were asked, and needs no Ray for it."""

    def ask(self, places: set[str]) -> None:
        self._asked |= places

    @property
    def everywhere(self) -> bool:
        return EVERYWHERE in self._asked


class Told(Listener):
    """What people are told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def study_ends_early(self, how: str) -> None:
        self.lines.append(how)


class Ends:
    """A study's early end with one trial that was handed out, and what comes of it."""

    def __init__(self, spec: Spec, driven: Callable, limit: TimeLimit | None, per_report: float = 0.0) -> None:
        self.told, self.asked = Told(), Asked()
        study = driven(spec(), listeners=lambda searches: [self.told])
        self.director = study.director
        self.early = EarlyEnd(self.director, self.asked, Watchdog(per_report, 20.0, 300.0), 10, limit)
        self.trial = self.director.next_trial()
        self.early.handed_out(self.trial.key)

    @property
    def of_ray(self) -> RayTrial:
        return of_ray(self.trial)

    def starts(self) -> Ends:
        self.early.on_trial_start(0, [], self.of_ray)
        return self

    def step(self) -> None:
        self.early.on_step_end(0, [])


def of_ray(trial: Trial) -> RayTrial:
    return cast(RayTrial, SimpleNamespace(trial_id="t", config={"key": trial.key}))


def ending_in(seconds: float) -> TimeLimit:
    """A limit of two hours, of which so many seconds are left until trials save themselves."""
    return TimeLimit(7200.0, time.time() + seconds + 60.0)


@pytest.fixture
def handlers() -> Iterator[list[str]]:
    """The handlers of a process, as Ray Tune replaces them; yields what they did."""
    did: list[str] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGUSR1)}

    def original(*_: Any) -> None:
        did.append("original")

    for number in before:
        signal.signal(number, original)
    yield did
    for number, handler in before.items():
        signal.signal(number, handler)


def like_tune(did: list[str]) -> None:
    original = signal.getsignal(signal.SIGINT)

    def tunes(*_: Any) -> None:
        did.append("tune ends")
        signal.signal(signal.SIGINT, original)

    signal.signal(signal.SIGINT, tunes)
    signal.signal(signal.SIGUSR1, tunes)


def send(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(0.01)


def without_limit(spec: Spec, driven: Callable, handlers: list[str]) -> Ends:
    """A study that only signals end, once Tune has taken them."""
    ends = Ends(spec, driven, None)
    like_tune(handlers)
    ends.early.setup()
    return ends


@pytest.mark.parametrize("left", [None, 3600.0])
def test_without_a_signal_and_far_from_its_limit_a_study_goes_on(spec: Spec, driven: Callable, left: Any) -> None:
    ends = Ends(spec, driven, None if left is None else ending_in(left)).starts()
    ends.step()
    assert not ends.early.starts_nothing
    assert not ends.asked.everywhere
    assert ends.early.why is None


def test_a_signal_lets_trials_save_themselves_before_the_study_ends(
    spec: Spec, driven: Callable, handlers: list[str]
) -> None:
    ends = without_limit(spec, driven, handlers)
    ends.starts()
    send(signal.SIGINT)
    assert ends.early.starts_nothing
    ends.step()
    assert ends.asked.everywhere
    wait = f"which is waited for at most {GRACE:.0f} s; another signal ends the study at once"
    assert ends.told.lines == [f"Interrupted: trials save themselves after their iterations, {wait}"]
    ends.step()
    ends.early.on_trial_error(0, [], ends.of_ray)
    with pytest.raises(EndsEarly, match="Interrupted"):
        ends.step()
    assert handlers == ["tune ends"]
    send(signal.SIGINT)
    assert handlers == ["tune ends", "original"], "the study has ended: signals mean what they did before"
    ends.early.close()


def test_a_second_signal_ends_it_at_once_and_a_third_one_forces(
    spec: Spec, driven: Callable, handlers: list[str]
) -> None:
    ends = without_limit(spec, driven, handlers)
    ends.starts()
    send(signal.SIGINT)
    ends.step()
    assert handlers == []
    send(signal.SIGINT)
    assert handlers == ["tune ends"]
    send(signal.SIGINT)
    assert handlers == ["tune ends", "original"]
    ends.early.close()


def test_sigusr1_means_what_it_did_before_ray_took_it(spec: Spec, driven: Callable, handlers: list[str]) -> None:
    ends = without_limit(spec, driven, handlers)
    send(signal.SIGUSR1)
    assert handlers == ["original"]
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    ends.early.close()
    send(signal.SIGUSR1)
    assert handlers == ["original", "original"]


def test_trials_that_do_not_save_themselves_in_time_are_not_waited_for(
    spec: Spec, driven: Callable, handlers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ass_tune.on_ray.early_end.GRACE", 0.0)
    ends = without_limit(spec, driven, handlers)
    ends.starts()
    send(signal.SIGINT)
    with pytest.raises(EndsEarly):
        ends.step()
    ends.early.close()


def test_near_its_limit_a_study_asks_its_trials_and_ends_with_them(spec: Spec, driven: Callable) -> None:
    ends = Ends(spec, driven, ending_in(-1.0)).starts()
    ends.step()
    assert ends.asked.everywhere
    assert ends.early.starts_nothing
    (line,) = ends.told.lines
    assert line.startswith("Ended before its limit of 2 h 0 min: trials save themselves after their iterations, ")
    assert "another signal" not in line
    ends.early.on_trial_complete(0, [], ends.of_ray)
    with pytest.raises(EndsEarly, match="Ended before its limit of 2 h 0 min"):
        ends.step()


def test_a_trial_that_has_no_process_yet_is_not_waited_for(spec: Spec, driven: Callable) -> None:
    ends = Ends(spec, driven, ending_in(-1.0))
    with pytest.raises(EndsEarly):
        ends.step()
    assert ends.told.lines == []


def test_no_trial_is_started_that_would_not_get_to_the_end_of_an_iteration(spec: Spec, driven: Callable) -> None:
    fits = Ends(spec, driven, ending_in(30.0), per_report=250.0)
    assert not fits.early.starts_nothing
    too_slow = Ends(spec, driven, ending_in(30.0), per_report=350.0)
    assert too_slow.early.starts_nothing
    assert too_slow.early.why is None
    fits.early._handed_out[fits.trial.key] -= 20.0  # its process needed so long to start
    fits.starts()
    assert fits.early.starts_nothing, "20 s for the start and 25 s for an iteration"
