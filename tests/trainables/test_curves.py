"""Synthetic learning curves: the formula they promise, and purity."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from trainables.contract import TrialTask
from trainables.curves import CurvesConfig
from trainables.curves_trainable import CurvesTrainable
from trainables.learning_curve import curve, measured


def config(**fields: Any) -> CurvesConfig:
    length = {"domains": "synthetic", "profile": "synthetic", "seed": 0, "iterations": 200, "evaluate_every": 50}
    return CurvesConfig(**{**length, **fields})


@pytest.mark.parametrize(
    ("fields", "asymptote"),
    [
        ({"adaptor": "joint", "labeled_images": 0}, 30.0),
        ({"adaptor": "joint", "labeled_images": 9}, 35.0),
        ({"adaptor": "ga", "labeled_images": 99}, 41.0),
        ({"adaptor": "ga+csa", "labeled_images": 9, "lambda_sadv": 1.0}, 38.0),
        ({"adaptor": "ga+csa", "labeled_images": 9, "lambda_sadv": 10.0}, 36.0),
        ({"adaptor": "ga+csa", "labeled_images": 9, "lambda_sadv": 0.01}, 30.0),
        ({"adaptor": "ga+csa", "labeled_images": 9, "lambda_sadv": 0.0}, 38.0 - 72.0),
        ({"adaptor": "ga", "labeled_images": 9, "lambda_sadv": 100.0}, 36.0),
    ],
    ids=str,
)
def test_a_curve_rises_to_its_asymptote(fields: dict[str, Any], asymptote: float) -> None:
    for iteration in (0, 50, 200):
        progress = 1 - math.exp(-0.05 * 100 * iteration / 200)
        assert curve(config(lr=0.05, **fields), iteration) == pytest.approx(asymptote * progress)


def test_noise_is_a_pure_function_of_configuration_split_and_iteration() -> None:
    ours = measured(config(), "select", 50)
    assert measured(config(), "select", 50) == ours
    others = [
        measured(config(), "report", 50),
        measured(config(seed=1), "select", 50),
        measured(config(noise=0.25), "select", 50),
        measured(config(lr=0.04), "select", 50) - curve(config(lr=0.04), 50) + curve(config(), 50),
        measured(config(), "select", 100) - curve(config(), 100) + curve(config(), 50),
    ]
    assert ours not in others
    assert len(set(others)) == len(others)


def test_without_noise_the_curve_is_what_is_measured() -> None:
    assert measured(config(noise=0.0), "select", 50) == curve(config(), 50)


def test_noise_has_the_size_that_was_asked_for() -> None:
    runs = [config(seed=seed, noise=2.0) for seed in range(2000)]
    noise = np.array([measured(run, "select", 50) - curve(run, 50) for run in runs])
    assert abs(noise.mean()) < 0.2
    assert noise.std() == pytest.approx(2.0 * math.sqrt(1 + 0.5**2), rel=0.1)


def test_the_seed_shifts_every_adaptor_alike_so_that_gains_are_paired() -> None:
    def shift(seed: int, adaptor: str) -> float:
        run = config(seed=seed, adaptor=adaptor)
        return float(np.mean([measured(run, "select", at) - curve(run, at) for at in range(1, 200)]))

    for seed in range(5):
        assert shift(seed, "joint") == pytest.approx(shift(seed, "ga"), abs=0.1)
    assert np.ptp([shift(seed, "joint") for seed in range(5)]) > 0.3


def test_lambda_sadv_without_a_semantic_adaptor_has_no_effect() -> None:
    assert CurvesConfig.inert({"adaptor": "ga"}) == {"lambda_sadv"}
    assert CurvesConfig.inert({"adaptor": "ga+csa"}) == CurvesConfig.inert({}) == frozenset()
    assert "lambda_sadv" not in config(adaptor="ga").canonical()
    assert config(adaptor="ga+csa").canonical()["lambda_sadv"] == 1.0


def test_semantic_adaptation_without_labels_is_undefined() -> None:
    assert CurvesConfig.undefined({"adaptor": "ga+csa", "labeled_images": 0}) is not None
    for values in ({"adaptor": "ga", "labeled_images": 0}, {"adaptor": "ga+csa", "labeled_images": 1}, {}):
        assert CurvesConfig.undefined(values) is None


@pytest.mark.parametrize("wrong", [{"lr": 0.0}, {"lambda_sadv": -1.0}, {"labeled_images": -1}, {"adaptor": "csa"}])
def test_values_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        config(**wrong)


def settings(**fields: Any) -> dict[str, Any]:
    values = config(**fields).model_dump(mode="json")
    return TrialTask(trainable="curves", key="key", config=values, storage="nowhere").model_dump()


def test_the_trainable_reports_what_the_curve_measures() -> None:
    trainable = CurvesTrainable(config=settings())
    results = [trainable.step() for _ in range(4)]
    assert [(result["iteration"], result["final"]) for result in results] == [
        (50, False),
        (100, False),
        (150, False),
        (200, True),
    ]
    for result in results:
        assert result["metrics"]["select/miou"] == measured(config(), "select", result["iteration"])
        assert ("report/miou" in result["metrics"]) is result["final"]
    assert results[-1]["metrics"]["report/miou"] == measured(config(), "report", 200)


def test_a_reused_trainable_measures_what_a_fresh_one_does() -> None:
    reused = CurvesTrainable(config=settings(seed=5, adaptor="ga"))
    reused.step()
    assert reused.reset_config(settings())
    fresh = CurvesTrainable(config=settings())
    for _ in range(4):
        ours, theirs = reused.step(), fresh.step()
        assert {**ours, "time": None} == {**theirs, "time": None}


def test_the_trainable_fails_and_diverges_where_it_is_asked_to() -> None:
    failing = CurvesTrainable(config=settings(fail_at=100))
    failing.step()
    with pytest.raises(RuntimeError, match="asked to fail at iteration 100"):
        failing.step()
    diverging = CurvesTrainable(config=settings(diverge_at=100))
    assert "diverged" not in diverging.step()
    assert diverging.step()["diverged"] == "loss/total is nan at iteration 100"
