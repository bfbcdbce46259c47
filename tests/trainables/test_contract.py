"""What a trainable may return, and what is said of everything else."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from trainables.contract import BrokenContract, StepChecker, TrialTask

CONFIG = {"iterations": 40, "evaluate_every": 10}
GOOD: dict[str, Any] = {"iteration": 10, "time": 1.5e9, "metrics": {"select/miou": 30.0, "loss/total": 2.0}}
LAST: dict[str, Any] = {
    "iteration": 40,
    "time": 1.5e9,
    "final": True,
    "metrics": {"select/miou": 40.0, "report/miou": 39.0},
}


def checker() -> StepChecker:
    return StepChecker(TrialTask(trainable="mine", key="k", config=CONFIG, storage="nowhere"))


def refused(*results: Any) -> str:
    """What is said of the last result, after the others were accepted."""
    ours = checker()
    for result in results[:-1]:
        ours.check(result)
    with pytest.raises(BrokenContract) as broken:
        ours.check(results[-1])
    return str(broken.value)


def test_a_trial_from_its_first_result_to_its_last() -> None:
    ours = checker()
    for iteration in (10, 20, 30):
        result = ours.check({**GOOD, "iteration": iteration, "notices": ["a class is missing"]})
        assert (result.iteration, result.final, result.notices) == (iteration, False, ("a class is missing",))
    last = ours.check({**LAST, "artifacts": ["results/k/panel.png"]})
    assert last.final
    assert last.metrics == {"select/miou": 40.0, "report/miou": 39.0}
    assert last.artifacts == ("results/k/panel.png",)


def test_a_trial_that_goes_on_from_a_checkpoint_may_begin_at_any_evaluation() -> None:
    assert checker().check({**GOOD, "iteration": 30}).iteration == 30


@pytest.mark.parametrize(
    "scalar",
    [np.float32(30.5), np.float64(30.5), np.array(30.5), np.float16(30.5), np.longdouble(30.5), Fraction(61, 2)],
)
def test_scalars_of_numpy_become_numbers_of_python(scalar: Any) -> None:
    given = {"iteration": np.int64(10), "time": scalar, "metrics": {"select/miou": scalar}, "final": np.bool_(False)}
    result = checker().check(given)
    assert result.metrics == {"select/miou": 30.5}
    assert [type(value) for value in (result.metrics["select/miou"], result.iteration, result.time, result.final)] == [
        float,
        int,
        float,
        bool,
    ]


def test_a_scalar_of_torch_becomes_a_number_of_python() -> None:
    torch = pytest.importorskip("torch")
    assert checker().check({**GOOD, "metrics": {"select/miou": torch.tensor(30.5)}}).metrics == {"select/miou": 30.5}


@pytest.mark.parametrize("iteration", [0, 10, 15])
def test_training_may_diverge_at_any_iteration_and_needs_no_metrics(iteration: int) -> None:
    result = checker().check({"iteration": iteration, "time": 1.0, "diverged": "loss is nan"})
    assert (result.diverged, result.metrics) == ("loss is nan", {})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"metrics": {"select/accuracy": 30.0}},
            "metrics: found select/accuracy; allowed: select/miou in every result",
        ),
        ({"metrics": {}}, "metrics: found no metrics; allowed: select/miou in every result"),
        ({"metrics": {"select/miou": math.nan}}, "metrics.select/miou: found nan; allowed: a finite number"),
        ({"metrics": {"select/miou": np.float32("inf")}}, "allowed: a finite number"),
        ({"metrics": {"select/miou": 3.0, "loss": math.inf}}, "metrics.loss: found inf; allowed: a finite number"),
        ({"metrics": {"select/miou": "30"}}, "metrics.select/miou: found '30'; allowed: a finite number"),
        ({"metrics": {"select/miou": True}}, "metrics.select/miou: found True; allowed: a finite number"),
        ({"metrics": {"select/miou": np.zeros(3)}}, "metrics.select/miou: found array([0., 0., 0.]); allowed: a"),
        ({"metrics": [30.0]}, "metrics: found [30.0]; allowed: a dict of names and numbers"),
        ({"iteration": 15}, "iteration: found 15; allowed: a multiple of evaluate_every (10) from 1 to 40"),
        ({"iteration": 50}, "iteration: found 50; allowed: a multiple of evaluate_every (10) from 1 to 40"),
        ({"iteration": 0}, "iteration: found 0; allowed: a multiple"),
        ({"iteration": 10.0}, "iteration: found 10.0; allowed: a whole number"),
        ({"time": math.nan}, "time: found nan; allowed: a finite number"),
        ({"time": -1.0}, "time: found -1.0; allowed: seconds since the epoch"),
        ({"time": 1.7e12}, "time: found 1700000000000.0; allowed: seconds since the epoch"),
        ({"time": None}, "time: found None; allowed: a finite number"),
        ({"metrics": {"select/miou": 10**400}}, "allowed: a finite number"),
        ({"metrics": {"select/miou": 10**5000}}, "found a value of type int; allowed: a finite number"),
        ({"metrics": {"select/miou": 1 + 2j}}, "metrics.select/miou: found (1+2j); allowed: a finite number"),
        ({"metrics": {"select/miou": None}}, "metrics.select/miou: found None; allowed: a finite number"),
        ({"metrics": {5: 1.0, "select/miou": 30.0}}, "metrics: found 5 as a name; allowed: text"),
        (
            {"metrics": {"a\nb\x1b": "x", "select/miou": 30.0}},
            "metrics.a b\N{REPLACEMENT CHARACTER}: found 'x'; allowed",
        ),
        (
            {"metrics": {**{f"loss/{n}": 1.0 for n in range(20)}, "select/mIoU": 30.0}},
            "allowed: select/miou in every result; the nearest of what was returned: select/mIoU",
        ),
        ({"final": True}, "final: found True at iteration 10 of 40; allowed: True at the last one only"),
        ({"final": "yes"}, "final: found 'yes'; allowed: True or False"),
        ({"iteration": 40}, "final: found False at iteration 40 of 40; allowed: True at the last one only"),
        ({"artifacts": ["../secret"]}, "artifacts.0: found '../secret'; allowed: the name of a file relative to"),
        ({"artifacts": "panel.png"}, "artifacts: found 'panel.png'; allowed: a list of texts"),
        ({"notices": [3]}, "notices.0: found 3; allowed: text"),
        ({"done": True}, "done: unknown field; allowed: iteration, time, metrics, final,"),
        ({"metric": {}}, "metric: unknown field; allowed: iteration, time, metrics, final, artifacts, diverged, "),
    ],
)
def test_a_wrong_result_is_refused_with_the_field_what_was_found_and_what_is_allowed(
    changes: dict[str, Any], said: str
) -> None:
    message = refused({**GOOD, **changes})
    assert message.startswith("trainable mine, in its first result: ")
    assert said in message
    assert "\n" not in message


@pytest.mark.parametrize("name", ["iteration", "time"])
def test_a_missing_field_is_named(name: str) -> None:
    without = {key: value for key, value in GOOD.items() if key != name}
    assert f": {name}: missing; allowed: " in refused(without)


def test_the_report_metric_is_needed_at_the_end() -> None:
    message = refused(GOOD, {**LAST, "metrics": {"select/miou": 40.0}})
    assert message.startswith("trainable mine, after iteration 10: metrics: found select/miou; allowed: report/miou in")


@pytest.mark.parametrize("again", [10, 20])
def test_an_iteration_that_does_not_go_forward_is_refused(again: int) -> None:
    message = refused({**GOOD, "iteration": 20}, {**GOOD, "iteration": again})
    assert f"iteration: found {again} after 20; allowed: a multiple of evaluate_every (10) from 21 to 40" in message


def test_training_cannot_diverge_before_the_last_report() -> None:
    assert "allowed: 20 to 40" in refused({**GOOD, "iteration": 20}, {"iteration": 5, "time": 1.0, "diverged": "nan"})


def test_all_that_is_wrong_is_said_at_once() -> None:
    message = refused({"iteration": "ten", "metrics": {"select/miou": math.nan}})
    assert all(f"{name}: " in message for name in ("iteration", "time", "metrics.select/miou"))


@pytest.mark.parametrize("nothing", [None, 30.0, [GOOD], "done"])
def test_something_else_than_a_dict_is_refused(nothing: Any) -> None:
    assert "allowed: a dict with the fields iteration, time, metrics" in refused(nothing)


def test_a_huge_value_does_not_fill_the_message() -> None:
    assert len(refused({**GOOD, "metrics": {"select/miou": "x" * 10**6}})) < 500


def test_a_task_with_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError, match="gpu"):
        TrialTask.model_validate({"trainable": "mine", "key": "k", "config": CONFIG, "storage": "nowhere", "gpu": 1})
