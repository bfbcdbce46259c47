"""Importance and sensitivity, on studies whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import optuna
import pandas as pd
import pytest

from analysis.figures.slices import slices
from analysis.report.blocks import Table
from analysis.report.learning import hyperparameters
from analysis.statistics.importance import FEWEST, POOLED, distribution, importance
from analysis.statistics.sensitivity import best_configurations, noise_within_seeds, sensitivity
from analysis.study import Study
from tests.support.synthetic import Made, made_study

FEW = 20
"""Permutations."""
TUNE = {
    "lambda_sadv": {"type": "log_uniform", "low": 0.1, "high": 10.0},
    "lambda_gadv": {"type": "log_uniform", "low": 0.001, "high": 0.1},
}


def study(trials: int = 32, effect: float = 3.0, noise: float = 0.2, seeds: int = 4, seed: int = 0) -> Study:
    """mIoU falls with the squared distance of log10(lambda_sadv) from 0 and does not depend on lambda_gadv.

    A seed moves all trials under it by the same amount, about 2 points.
    """
    rng, made = np.random.default_rng(seed), []
    shifts = 2 * np.random.default_rng(100).normal(size=seeds)
    for adaptor in ("ga+csa", "ga+fcsa"):
        levels, best = {"adaptor": adaptor, "labeled_images": 5}, (-math.inf, {})
        for number in range(trials):
            sadv, gadv = 10 ** rng.uniform(-1, 1), 10 ** rng.uniform(-3, -1)
            params = {"lambda_sadv": sadv, "lambda_gadv": gadv}
            miou = 30 + shifts[0] - effect * math.log10(sadv) ** 2 + rng.normal(0, noise)
            best = max(best, (miou, params), key=lambda found: found[0])
            made.append(Made(levels, ending(miou), params, number=number))
        for number in range(1, seeds):
            miou = 30 + shifts[number] + rng.normal(0, noise)
            made.append(Made(levels, ending(miou), best[1], "replicate", number - 1, number))
    return made_study({"adaptor": ["ga+csa", "ga+fcsa"], "labeled_images": [5]}, TUNE, made, seeds=range(seeds))


def ending(miou: float) -> dict[str, dict[int, float]]:
    return {"select/miou": {50: miou - 3, 100: miou}, "report/miou": {100: miou}}


def test_the_hyperparameter_that_decides_is_the_important_one() -> None:
    found = importance(study(), FEW).pivot(index="cell", columns="hyperparameter", values="importance")
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
    pooled = [
        found.query("cell == @POOLED")["importance"].to_list()
        for found in (importance(made, FEW), importance(other, FEW))
    ]
    assert pooled[0] == pytest.approx(pooled[1])


def test_few_configurations_have_no_importance_but_a_reason() -> None:
    found = importance(study(trials=FEWEST - 1), FEW)
    alone = found.query("cell != @POOLED")
    assert all(value != value for value in alone["importance"])
    assert set(alone["note"]) == {f"{FEWEST - 1} finished configurations, of at least {FEWEST}"}
    assert sum(found.query("cell == @POOLED")["importance"]) == pytest.approx(1)
    assert all(value != value for value in importance(study(trials=8))["importance"]), "also over all cells"


def test_importance_has_the_band_of_mious_that_nothing_decides() -> None:
    found = importance(study(), FEW).set_index(["cell", "hyperparameter"])
    pd.testing.assert_frame_equal(found, importance(study(), FEW).set_index(["cell", "hyperparameter"]))
    rows = found.to_dict("index")
    decides, idle = rows[POOLED, "lambda_sadv"], rows[POOLED, "lambda_gadv"]
    assert decides["importance"] > decides["high"]
    assert (decides["note"], idle["note"]) == ("more than chance", "no more than chance")
    assert decides["low"] < 0.5 < decides["high"], "of two hyperparameters of which none decides"


@pytest.mark.slow
def test_without_any_effect_one_hyperparameter_is_important_and_inside_its_band() -> None:
    """What a share alone does not tell: in studies of pure noise the larger of two is 0.7 on average."""
    found = [importance(study(effect=0.0, trials=15, seeds=1, seed=number), 40) for number in range(20)]
    pooled = [one.query("cell == @POOLED") for one in found]
    assert np.mean([one["importance"].max() for one in pooled]) > 0.6
    assert sum("more than chance" in set(one["note"]) for one in pooled) <= 4


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


def test_noise_is_what_is_left_when_cells_and_seeds_are_taken_out() -> None:
    made = study(seeds=4)
    found = noise_within_seeds(made)
    assert found is not None
    report = made.last("report/miou")
    ours, theirs = ([report[run] for seed, run in made.results(cell).items() if seed > 0] for cell in made.cells)
    assert found.freedom == 2
    assert found.std == pytest.approx(np.std(np.subtract(ours, theirs), ddof=1) / math.sqrt(2))
    assert noise_within_seeds(study(seeds=2)) is None, "one seed that chose nothing has no spread"


def test_a_dependence_that_seeds_would_hide_is_found_and_an_inert_hyperparameter_is_not() -> None:
    """Seeds differ by 2 points and the parabola by 1: all trials of a search have the same seed."""
    found = sensitivity(study(effect=1.0)).set_index(["cell", "hyperparameter"])
    for cell in ("adaptor=ga+csa,labeled_images=5", "adaptor=ga+fcsa,labeled_images=5"):
        assert found.loc[(cell, "lambda_sadv"), "verdict"] == "sensitive"
        assert found.loc[(cell, "lambda_gadv"), "verdict"] == "not shown to be sensitive"
    assert set(sensitivity(study(effect=1.0, seeds=1))["verdict"]) == set(found["verdict"]), "replicates are not needed"


def test_with_few_trials_nothing_is_said() -> None:
    assert set(sensitivity(study(trials=3))["verdict"]) == {"too few trials"}


def test_a_configuration_under_several_seeds_is_one_observation() -> None:
    """Twice the trials of equal configurations say nothing more about how mIoU depends on a hyperparameter."""
    rng, once, twice = np.random.default_rng(4), [], []
    for number in range(12):
        levels, params = {"adaptor": "ga", "labeled_images": 5}, {"lambda_sadv": 10 ** rng.uniform(-1, 1)}
        miou = 30 + rng.normal()
        for seed, shift in ((0, 0.0), (1, 5.0)):
            trial = Made(levels, ending(miou + shift), params, number=2 * number + seed, seed=seed)
            twice.append(trial)
            once += [trial] if seed == 0 else []
    tune = {"lambda_sadv": TUNE["lambda_sadv"]}
    found = [sensitivity(made_study({"adaptor": ["ga"], "labeled_images": [5]}, tune, made)) for made in (once, twice)]
    assert found[0]["p"].to_list() == pytest.approx(found[1]["p"].to_list())
    assert [(one["trials"][0], one["seeds"][0]) for one in found] == [(12, 1), (24, 2)]


def test_of_several_seeds_only_configurations_that_finished_under_all_count() -> None:
    levels = {"adaptor": "ga", "labeled_images": 5}
    made = [
        Made(levels, ending(30.0 + number + seed), {"lambda_sadv": 1.0 + number}, number=2 * number + seed, seed=seed)
        for number in range(3)
        for seed in (0, 1)
        if (number, seed) != (2, 1)
    ]
    tune = {"lambda_sadv": TUNE["lambda_sadv"]}
    (best,) = best_configurations(made_study({"adaptor": ["ga"], "labeled_images": [5]}, tune, made)).to_dict("records")
    assert (best["lambda_sadv"], best["select"], best["lead"]) == (2.0, 31.5, 1.0)


def of_factor(effect: float) -> Study:
    """lambda_sadv as a factor, as in the paper's Table 2: 4 levels and 3 seeds that differ by much more."""
    rng, made = np.random.default_rng(3), []
    for seed in range(3):
        for number, level in enumerate((1, 0.2, 0.04, 0.008)):
            miou = 50 + 4 * seed + effect * number + rng.normal(0, 0.1)
            levels = {"adaptor": "ga+fcsa", "labeled_images": 100, "lambda_sadv": level}
            stage = "tuning" if seed == 0 else "replicate"
            made.append(Made(levels, ending(miou), {}, stage, max(0, seed - 1), seed))
    factors = {"adaptor": ["ga+fcsa"], "labeled_images": [100], "lambda_sadv": [1, 0.2, 0.04, 0.008]}
    return made_study(factors, {}, made)


def test_a_hyperparameter_that_is_a_factor_is_tested_inside_seeds() -> None:
    (row,) = sensitivity(of_factor(effect=0.4)).to_dict("records")
    assert (row["cell"], row["hyperparameter"], row["trials"], row["seeds"]) == (
        "ga+fcsa, 100 labels",
        "lambda_sadv",
        12,
        3,
    )
    assert row["verdict"] == "sensitive"
    assert row["noise"] < 0.3, "seeds, which differ by 4 points, are taken out"
    assert sensitivity(of_factor(effect=0.0))["verdict"].to_list() == ["not shown to be sensitive"]
    section = hyperparameters(of_factor(effect=0.4))
    assert section is not None
    assert [block.name for block in section.blocks if isinstance(block, Table)] == ["sensitivity"]


def test_best_configurations_lead_by_so_much() -> None:
    made = study()
    found = best_configurations(made).set_index("cell")
    noise = noise_within_seeds(made)
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
    assert [len(np.atleast_1d(line.get_xdata())) for line in points] == [32, 32]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"type": "log_uniform", "low": 0.02, "high": 0.08}, ["0.02", "0.05"]),
        ({"type": "log_uniform", "low": 0.001, "high": 0.1}, ["0.001", "0.01", "0.1"]),
        ({"type": "choice", "values": [0.03, 0.07, 0.08]}, ["0.03", "0.07", "0.08"]),
    ],
    ids=str,
)
def test_every_range_has_numbers_on_its_axis(entry: dict, expected: list[str]) -> None:
    made = [
        Made({"adaptor": "ga", "labeled_images": 5}, ending(30 + number), {"lr": lr}, number=number)
        for number, lr in enumerate((0.03, 0.07))
    ]
    figure = slices(made_study({"adaptor": ["ga"], "labeled_images": [5]}, {"lr": entry}, made))
    assert figure is not None
    axes = figure.axes[0]
    low, high = axes.get_xlim()
    shown = zip(axes.get_xticks(), axes.get_xticklabels(), strict=True)
    assert [label.get_text() for at, label in shown if low <= at <= high] == expected
