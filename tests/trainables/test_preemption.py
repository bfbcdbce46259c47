"""Trials that are asked to end save themselves between two iterations, and end as if nobody had asked."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.support.preempted import run_preempted
from trainables.contract import TrialTask
from trainables.curves_trainable import CurvesTrainable
from trainables.preemption import (
    HandedBack,
    ask_to_hand_back,
    asked_anew,
    asked_to_hand_back,
    hand_back_if_asked,
    signals_ask,
)
from trainables.run_trainable import ray_class_of
from trainables.trainable import Objective, Settings, Trainable

TWENTY = range(2, 42, 2)
"""Every other look, so that each process gets one iteration further: 20 preemptions."""


class Averaging(Trainable[Any]):
    """A walk drawn from all global generators, which averages its steps between two reports."""

    class Settings(Settings):
        objective = Objective(name="error", metric="error", direction="minimize")

    def setup(self) -> None:
        self.place, self.sum = torch.zeros(2, dtype=torch.float64), 0.0

    def train(self, until: int) -> dict[str, float]:
        begun = self.iteration - self.iteration % self.settings.evaluate_every
        for iteration in self.iterations(until):
            step = random.random() + np.random.normal() + self.draws("step", iteration).normal()
            self.place = self.place + step * torch.rand(2)
            self.sum += step
        mean, self.sum = self.sum / (until - begun), 0.0
        return {"mean_step": mean}

    def evaluate(self, split: str) -> float:
        return float(self.place.abs().sum()) + random.random()

    def state_dict(self) -> dict[str, Any]:
        return {"place": self.place, "sum": self.sum}

    def load_state_dict(self, state: Any) -> None:
        self.place, self.sum = state["place"], state["sum"]


class OwnLoop(Averaging):
    """Its author has not heard of any of this."""

    def train(self, until: int) -> dict[str, float]:
        for iteration in range(self.iteration, until):
            self.place = self.place + self.draws("step", iteration).normal() * torch.rand(2)
        return {}


def of_author(author_class: type[Trainable[Any]], folder: Path) -> Any:
    study = {"domains": "default", "profile": "default", "seed": 3, "iterations": 30, "evaluate_every": 6}
    task = TrialTask(trainable="walk", key="k", config=study, storage=str(folder))
    return ray_class_of(author_class)(config=task.model_dump())


def of_curves(folder: Path, **values: Any) -> CurvesTrainable:
    study = {"domains": "synthetic", "profile": "synthetic", "seed": 3, "iterations": 30, "evaluate_every": 6}
    task = TrialTask(trainable="curves", key="k", config={**study, **values}, storage=str(folder))
    return CurvesTrainable(config=task.model_dump())


def undisturbed(trial: Any) -> list[dict[str, Any]]:
    results = [trial.step()]
    while not results[-1].get("final"):
        results.append(trial.step())
    return results


def without_time(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in result.items() if name != "time"} for result in results]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1], ids=["SIGTERM", "SIGUSR1"])
def test_a_signal_while_a_trial_works_asks_it_and_ends_nothing(number: int) -> None:
    before = signal.getsignal(number)
    with asked_anew():
        with signals_ask():
            hand_back_if_asked()
            os.kill(os.getpid(), number)
            time.sleep(0.01)
            assert asked_to_hand_back()
        assert signal.getsignal(number) == before
        with pytest.raises(HandedBack):
            hand_back_if_asked()
    hand_back_if_asked()


def test_a_trial_in_another_thread_leaves_the_signals_alone() -> None:
    seen: list[Any] = []

    def work() -> None:
        with signals_ask():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]


@pytest.mark.parametrize("snapshot", ["last", "best_on_select"])
def test_a_curve_that_was_preempted_twenty_times_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, snapshot: str
) -> None:
    expected = undisturbed(of_curves(tmp_path / "undisturbed", snapshot=snapshot))
    found = run_preempted(
        lambda: of_curves(tmp_path / "preempted", snapshot=snapshot),
        "trainables.curves_trainable",
        TWENTY,
        monkeypatch,
        signal.SIGTERM,
    )
    assert found.handed_back == 20
    assert without_time(found.reports) == without_time(expected)


def test_an_authors_trial_that_was_preempted_twenty_times_draws_and_averages_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = undisturbed(of_author(Averaging, tmp_path / "undisturbed"))
    found = run_preempted(
        lambda: of_author(Averaging, tmp_path / "preempted"),
        "trainables.trainable",
        TWENTY,
        monkeypatch,
        signal.SIGUSR1,
    )
    assert found.handed_back == 20
    assert without_time(found.reports) == without_time(expected)
    assert len(list((tmp_path / "preempted/checkpoints/k").iterdir())) <= 2


def test_a_loop_of_the_authors_own_is_handed_back_at_its_next_report(tmp_path: Path) -> None:
    expected = undisturbed(of_author(OwnLoop, tmp_path / "undisturbed"))
    trial = of_author(OwnLoop, tmp_path / "asked")
    results = [trial.step()]
    with asked_anew():
        ask_to_hand_back()
        with pytest.raises(HandedBack):
            trial.step()
    again = undisturbed(of_author(OwnLoop, tmp_path / "asked"))
    assert without_time(again[:1]) == without_time(results)
    assert without_time(again) == without_time(expected)


def test_a_trial_that_is_asked_before_it_gets_further_saves_nothing_new(tmp_path: Path) -> None:
    trial = of_author(Averaging, tmp_path)
    trial.step()
    (before,) = (tmp_path / "checkpoints/k").iterdir()
    written = before.stat().st_mtime_ns
    with asked_anew():
        ask_to_hand_back()
        with pytest.raises(HandedBack):
            trial.step()
    assert [path.stat().st_mtime_ns for path in (tmp_path / "checkpoints/k").iterdir()] == [written]
