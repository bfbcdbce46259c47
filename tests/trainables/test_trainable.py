"""An author's class under what Ray does to a trial, and what is said of a class that is not right."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from trainables.contract import BrokenContract, StepChecker, TrialTask
from trainables.run_trainable import ray_class_of
from trainables.trainable import Diverged, Field, Objective, Settings, Trainable, mistakes_of


class Walk(Trainable[Any]):
    """A walk of random steps, drawn from all generators that there are; its error falls."""

    class Settings(Settings):
        objective = Objective(name="error", metric="error", unit="%", direction="minimize")
        size: float = Field(default=1.0, gt=0)
        odd: str = ""

    def setup(self) -> None:
        self.place = np.zeros(3, np.float32)
        self.weight = torch.ones(2)

    def train(self, until: int) -> dict[str, float]:
        for iteration in range(self.iteration, until):
            steps = (random.random(), np.random.normal(), self.draws("step", iteration).normal())
            self.place = self.place + self.settings.size * np.array(steps, np.float32)
            self.weight = self.weight * torch.rand(2)
        if self.settings.odd == "nan":
            return {"loss/total": float("nan")}
        if self.settings.odd == "diverged":
            raise Diverged("it explodes")
        return {"loss/total": float(self.weight.sum())}

    def evaluate(self, split: str) -> Any:
        random.random()  # must change nothing
        if self.settings.odd == "other_metric":
            return {"accuracy": 3.0}
        if self.settings.odd == "text":
            return "good"
        return {"error": abs(float(self.place.sum())), "second": 1}

    def state_dict(self) -> dict[str, Any]:
        odd = {"set": {1, 2}} if self.settings.odd == "set" else {}
        return {"place": self.place, "more": [{"weight": self.weight}, ("text", None, 1.5, True)], **odd}

    def load_state_dict(self, state: Any) -> None:
        assert state["more"][1] == ("text", None, 1.5, True)
        assert state["place"].dtype == np.float32
        self.place, self.weight = state["place"], state["more"][0]["weight"]

    def files(self) -> dict[str, bytes]:
        return {"place.bin": self.place.tobytes()}


def task(folder: Path, seed: int = 3, **values: Any) -> TrialTask:
    study = {"domains": "default", "profile": "default", "seed": seed, "iterations": 6, "evaluate_every": 2}
    return TrialTask(trainable="walk", key="k", config={**study, **values}, storage=str(folder))


def begin(asked: TrialTask) -> Any:
    return ray_class_of(Walk)(config=asked.model_dump())


def steps(trial: Any, asked: TrialTask, number: int = 3) -> list[Any]:
    checker = StepChecker(asked, Walk.Settings.objective)
    return [checker.check(trial.step()) for _ in range(number)]


def numbers(results: list[Any]) -> list[Any]:
    return [(result.iteration, result.metrics) for result in results]


@pytest.fixture
def undisturbed(tmp_path: Path) -> list[Any]:
    asked = task(tmp_path / "undisturbed")
    return steps(begin(asked), asked)


def test_reports_have_the_metrics_of_the_objective(undisturbed: list[Any], tmp_path: Path) -> None:
    names = {"loss/total", "select/error", "select/second"}
    assert [set(result.metrics) for result in undisturbed[:2]] == [names, names]
    assert set(undisturbed[2].metrics) == {*names, "report/error", "report/second"}
    assert undisturbed[2].artifacts == ("results/k/place.bin",)
    assert (tmp_path / "undisturbed/results/k/place.bin").stat().st_size == 12


def test_a_trial_that_is_resumed_draws_and_reports_the_same(undisturbed: list[Any], tmp_path: Path) -> None:
    asked = task(tmp_path / "resumed")
    steps(begin(asked), asked, 2)
    random.seed(99)
    again = begin(asked)
    assert numbers(steps(again, asked, 2)) == numbers(undisturbed[1:])


def test_the_next_trial_in_the_process_finds_nothing_of_the_last(undisturbed: list[Any], tmp_path: Path) -> None:
    trial = begin(task(tmp_path / "other", seed=4, size=2.0))
    trial.step()
    asked = task(tmp_path / "next")
    assert trial.reset_config(asked.model_dump())
    assert numbers(steps(trial, asked)) == numbers(undisturbed)


@pytest.mark.parametrize(("odd", "said"), [("nan", "loss/total is nan"), ("diverged", "it explodes")])
def test_what_is_not_finite_has_diverged(odd: str, said: str, tmp_path: Path) -> None:
    asked = task(tmp_path, odd=odd)
    (result,) = steps(begin(asked), asked, 1)
    assert said in str(result.diverged)


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ("other_metric", "Walk.evaluate('select'): found accuracy; allowed: error, alone or among other metrics"),
        ("text", "Walk.evaluate('select'), metric select/error: found 'good'; allowed: a number"),
        ("set", "Walk.state_dict['set']: found a value of type set; allowed: tensors, arrays of numbers, numbers"),
    ],
)
def test_an_error_names_the_class_and_the_field(odd: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(BrokenContract) as broken:
        begin(task(tmp_path, odd=odd)).step()
    assert said in str(broken.value)


def test_a_class_that_is_right_has_no_mistakes() -> None:
    assert mistakes_of(Walk) == []


def test_every_mistake_of_a_class_is_named_at_once() -> None:
    class Bare(Trainable[Any]):
        class Settings(Settings):
            lr: float
            seed: int = 3

    assert mistakes_of(Bare) == [
        *(f"Bare.{method} is missing" for method in ("evaluate", "load_state_dict", "setup", "state_dict", "train")),
        "Bare.Settings.objective is missing, e.g. Objective(name='accuracy', metric='accuracy')",
        "Bare.Settings.seed is a name that the study sets; give the field another",
        "Bare.Settings.lr has no default, neither of its own nor in every profile",
    ]
    assert "Settings" in mistakes_of(type("None_", (Walk,), {"Settings": Settings}))[0]
