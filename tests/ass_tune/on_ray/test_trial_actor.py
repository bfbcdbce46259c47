"""What the actor of a trial makes of trainables that exit, cannot be reset or name files that are not there."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ray import tune

from ass_tune.on_ray.trial_actor import STEP_RESULT, TrialActor
from trainables.contract import BrokenContract
from trainables.registry import TRAINABLES, TrainableEntry

RESULT: dict[str, Any] = {"iteration": 10, "time": 1.5e9, "metrics": {"select/miou": 30.0}}


class Odd(tune.Trainable):
    """Does what its configuration says, and inherits from Tune that it cannot be reset."""

    def setup(self, config: dict[str, Any]) -> None:
        self.config = config["config"]
        if self.config["does"] == "exits early":
            sys.exit()

    def step(self) -> dict[str, Any]:
        if self.config["does"] == "exits":
            sys.exit(3)
        files = ["results/k/there.png", "results/k/absent.png"] if self.config["does"] == "names files" else []
        return {**RESULT, "artifacts": files}


@pytest.fixture
def actor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[TrialActor, dict[str, Any]]]:
    monkeypatch.setitem(TRAINABLES, "odd", TrainableEntry("trainables.curves:CurvesConfig", f"{__name__}:Odd"))

    def make(does: str) -> tuple[TrialActor, dict[str, Any]]:
        config = {"iterations": 40, "evaluate_every": 10, "does": does}
        task = {"trainable": "odd", "key": "k", "config": config, "storage": str(tmp_path)}
        return object.__new__(TrialActor), task

    return make


@pytest.mark.parametrize(("does", "code"), [("exits", "3"), ("exits early", "None")])
def test_a_trainable_that_exits_breaks_the_contract_and_loses_no_process(actor: Callable, does: str, code: str) -> None:
    ours, task = actor(does)
    with pytest.raises(BrokenContract, match=rf"trainable odd: found SystemExit\({code}\); allowed: a result"):
        ours.setup(task)
        ours.step()


def test_a_trainable_that_cannot_be_reset_is_built_anew(actor: Callable) -> None:
    ours, task = actor("works")
    ours.setup(task)
    assert ours.step()[STEP_RESULT].iteration == 10
    assert ours.reset_config(task) is True
    assert ours.step()[STEP_RESULT].iteration == 10, "the same iteration is that of another trial"


def test_files_that_a_result_names_and_that_are_not_there_are_named(actor: Callable, tmp_path: Path) -> None:
    (tmp_path / "results/k").mkdir(parents=True)
    (tmp_path / "results/k/there.png").touch()
    ours, task = actor("names files")
    ours.setup(task)
    with pytest.raises(
        BrokenContract, match=r"artifacts: found results/k/absent\.png, which the study folder does not"
    ):
        ours.step()
