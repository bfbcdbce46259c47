"""Importance and sensitivity, on studies whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import optuna
import pytest
from scipy import stats

from analysis.figures.slices import slices
from analysis.statistics.importance import FEWEST_TRIALS, POOLED, distribution, importance
from analysis.statistics.sensitivity import Noise, best_configurations, p_of_dependence, seed_noise, sensitivity
from analysis.study import Study
from tests.support.synthetic import Made, made_study

TUNE = {
    "lambda_sadv": {"type": "log_uniform", "low": 0.1, "high": 10.0},
    "lambda_gadv": {"type": "log_uniform", "low": 0.001, "high": 0.1},
}


def study(trials: int = 24, effect: float = 3.0, noise: float = 0.2, seeds: int = 4, seed: int = 0) -> Study:
    """mIoU falls with the squared distance of log10(lambda_sadv) from 0 and does not depend on lambda_gadv."""
    rng, made = np.random.default_rng(seed), []
    for adaptor in ("ga+csa", "ga+fcsa"):
        levels, best = {"adaptor": adaptor, "labeled_images": 5}, (-math.inf, {})
        for number in range(trials):
            sadv, gadv = 10 ** rng.uniform(-1, 1), 10 ** rng.uniform(-3, -1)
            params = {"lambda_sadv": sadv, "lambda_gadv": gadv}
            miou = 30 - effect * math.log10(sadv) ** 2 + rng.normal(0, noise)
            best = max(best, (miou, params), key=lambda found: found[0])
            made.append(Made(levels, ending(miou), params, number=number))
        for seed_number in range(1, seeds):
            made.append(
                Made(levels, ending(30 + rng.normal(0, noise)), best[1], "replicate", seed_number - 1, seed_number)
            )
    return made_study({"adaptor": ["ga+csa", "ga+fcsa"], "labeled_images": [5]}, TUNE, made, seeds=seeds)


def ending(miou: float) -> dict[str, dict[int, float]]:
    return {"select/miou": {50: miou - 3, 100: miou}, "report/miou": {100: miou}}


def test_the_hyperparameter_that_decides_is_the_important_one() -> None:
    found = importance(study()).pivot(index="cell", columns="hyperparameter", values="importance")
    assert list(found.index) == ["adaptor=ga+csa,labeled_images=5", "adaptor=ga+fcsa,labeled_images=5", POOLED]
    assert min(found["lambda_sadv"]) > 0.8
    assert found.sum(axis=1).to_list() == pytest.approx([1.0] * 3)


def test_pooling_takes_out_what_cells_differ_by() -> None:
    """The better cell's trials would else all be the best ones, whatever their hyperparameters."""
    made = study()
    shifted = made.reports.to_pandas()
    second = set(made.frame.query("cell == 'adaptor=ga+fcsa,labeled_images=5'")["run"])
    moved = [value + 50 * (run in second) for run, value in zip(shifted["run"], shifted["value"], strict=True)]
    other = Study("made", made.trials, made.reports.set_column(4, "value", [moved]), made.files)
    pooled = [found.query("cell == @POOLED")["importance"].to_list() for found in (importance(made), importance(other))]
    assert pooled[0] == pytest.approx(pooled[1])


def test_few_trials_have_no_importance_but_a_reason() -> None:
    found = importance(study(trials=FEWEST_TRIALS - 1))
    alone = found.query("cell != @POOLED")
    assert [value != value for value in alone["importance"]] == [True] * 4
    assert set(alone["note"]) == {f"{FEWEST_TRIALS - 1} finished trials, of at least {FEWEST_TRIALS}"}
    assert sum(found.query("cell == @POOLED")["importance"]) == pytest.approx(1)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"type": "uniform", "low": 0.0, "high": 1.0}, optuna.distributions.FloatDistribution(0.0, 1.0)),
        (TUNE["lambda_sadv"], optuna.distributions.FloatDistribution(0.1, 10.0, log=True)),
        ({"type": "int", "low": 1, "high": 9, "step": 2}, optuna.distributions.IntDistribution(1, 9, step=2)),
        ({"type": "choice", "values": ["a", True]}, optuna.distributions.CategoricalDistribution(["a", True])),
        ({"type": "grid", "values": [0.3, 1]}, optuna.distributions.CategoricalDistribution([0.3, 1])),
    ],
)
def test_entries_of_the_file_are_optunas_distributions(entry: dict, expected: object) -> None:
    assert distribution(entry) == expected


def test_the_seeds_noise_leaves_out_the_seed_that_chose() -> None:
    made = study(seeds=4)
    found = seed_noise(made)
    assert found is not None
    report = made.last("report/miou")
    others = [[report[run] for seed, run in made.results(cell).items() if seed > 0] for cell in made.cells]
    assert found.freedom == 4
    assert found.std == pytest.approx(math.sqrt(np.mean([np.var(values, ddof=1) for values in others])))
    assert seed_noise(study(seeds=2)) is None, "one replicate has no spread"


def test_a_dependence_beyond_the_noise_is_found_and_an_inert_hyperparameter_is_not() -> None:
    found = sensitivity(study()).set_index(["cell", "hyperparameter"])
    for cell in ("adaptor=ga+csa,labeled_images=5", "adaptor=ga+fcsa,labeled_images=5"):
        assert found.loc[(cell, "lambda_sadv"), "verdict"] == "sensitive"
        assert found.loc[(cell, "lambda_gadv"), "verdict"] == "not shown to be sensitive"


def test_without_replicates_or_with_few_trials_nothing_is_said() -> None:
    assert set(sensitivity(study(seeds=1))["verdict"]) == {"too few seeds"}
    assert set(sensitivity(study(trials=3))["verdict"]) == {"too few trials"}


def test_the_test_is_the_f_test_of_a_regression_where_the_residuals_are_the_larger_noise() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=12)
    mious = 30 + x + rng.normal(size=12)
    _, p_value = stats.pearsonr(x, mious)
    assert p_of_dependence(x[:, None], mious, Noise(1e-6, 10)) == pytest.approx(p_value)


@pytest.mark.slow
def test_without_a_dependence_it_is_found_as_rarely_as_it_should_be() -> None:
    """2000 studies of pure noise: the share of p below 0.05 is at most 0.05, being on the safe side."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(2000):
        x = rng.uniform(-1, 1, 8)
        noise = Noise(float(np.sqrt(rng.chisquare(20) / 20)), 20)
        found.append(p_of_dependence(np.stack([x, x**2], axis=1), rng.normal(size=8), noise))
    share = np.mean(np.array(found) < 0.05)
    assert 0.005 < share < 0.06


def test_best_configurations_lead_by_so_much() -> None:
    made = study()
    found = best_configurations(made).set_index("cell")
    noise = seed_noise(made)
    for cell in made.cells:
        mious = made.frame.query("cell == @cell.name and stage == 'tuning'").sort_values("select/miou")
        first, second = mious["select/miou"].to_list()[::-1][:2]
        assert found.loc[cell.name, "lead"] == pytest.approx(first - second)
        assert noise and found.loc[cell.name, "lead/noise"] == pytest.approx((first - second) / noise.std)
        assert found.loc[cell.name, "lambda_sadv"] == mious["lambda_sadv"].to_list()[-1]


def test_slices_have_a_panel_per_hyperparameter_and_budget() -> None:
    figure = slices(study())
    assert figure is not None
    assert [axes.get_xlabel() for axes in figure.axes] == ["lambda_sadv", "lambda_gadv"]
    assert all(axes.get_xscale() == "log" for axes in figure.axes)
    points = [
        line for line in figure.axes[0].lines if line.get_marker() == "o" and len(np.atleast_1d(line.get_xdata())) > 1
    ]
    assert [len(np.atleast_1d(line.get_xdata())) for line in points] == [24, 24]
