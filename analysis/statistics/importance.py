"""Which hyperparameter decided: PED-ANOVA (Watanabe et al., 2023) per cell and over all cells, by Optuna.

Shares of importance sum to 1 whether or not anything decided. So each is shown with a band: where it lies if mIoU has
nothing to do with the hyperparameters, found by permuting mIoU among the configurations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import optuna
import pandas as pd
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.importance import PedAnovaImportanceEvaluator
from optuna.trial import FrozenTrial, TrialState, create_trial

from analysis.configurations import configurations
from analysis.study import Study

FEWEST = 30
"""Configurations. With 8 the best quarter is 2, and without any effect one of two gets over 80% half of the time."""
BEST_SHARE = 0.25
PERMUTATIONS = 100
BAND = 0.95
SEED = 0
POOLED = "all cells"
Params = Sequence[Mapping[str, Any]]


def importance(study: Study, permutations: int = PERMUTATIONS) -> pd.DataFrame:
    """Share of each hyperparameter in what sets the best quarter of configurations apart, by cell and over all cells.

    Columns: cell, hyperparameter, importance (of one cell they sum to 1), low and high (95% of what it is where mIoU
    is permuted), trials (configurations), note (whether it is above its band, or why there is no figure). Of finished
    configurations and select mIoU. Over all cells mIoU is taken as distance from its cell's mean and permuted inside
    cells, and hyperparameters are those that all pooled cells tune.
    """
    tried = {cell: configurations(study, cell).dropna(subset=[study.objective.select]) for cell in study.cells}
    tried = {cell: found for cell, found in tried.items() if len(cell.tuned) > 1}
    rows = [row for cell, found in tried.items() for row in _rows(study, cell.name, cell.tuned, [found], permutations)]
    most = max((cell.tuned for cell in tried), key=len, default=())
    if most:
        alike = [found for cell, found in tried.items() if cell.tuned == most]
        rows += _rows(study, POOLED, most, alike, permutations)
    return pd.DataFrame(rows, columns=["cell", "hyperparameter", "importance", "low", "high", "trials", "note"])


def _rows(
    study: Study, name: str, tuned: tuple[str, ...], cells: Sequence[pd.DataFrame], permutations: int
) -> list[dict[str, Any]]:
    trials = sum(map(len, cells))
    if trials < FEWEST:
        note = f"{trials} finished configurations, of at least {FEWEST}"
        return [{"cell": name, "hyperparameter": one, "trials": trials, "note": note} for one in tuned]
    distributions = {one: distribution(study.settings["tune"][one]) for one in tuned}
    params = [dict(zip(tuned, row, strict=True)) for cell in cells for row in cell[list(tuned)].itertuples(index=False)]
    columns = [study.objective.sign * cell[study.objective.select] for cell in cells]
    mious = [column.to_numpy(np.float64) - column.mean() for column in columns]
    searched = _study(distributions, params)
    shares = _shares(searched, tuned, mious)
    rng = np.random.default_rng(SEED)
    permuted = [_shares(searched, tuned, [rng.permutation(one) for one in mious]) for _ in range(permutations)]
    bands = {one: np.quantile([found[one] for found in permuted], [0.5 - BAND / 2, 0.5 + BAND / 2]) for one in tuned}
    return [
        {
            **{"cell": name, "hyperparameter": one, "importance": shares[one], "trials": trials},
            **{"low": float(bands[one][0]), "high": float(bands[one][1])},
            "note": "more than chance" if shares[one] > bands[one][1] else "no more than chance",
        }
        for one in tuned
    ]


def _study(distributions: Mapping[str, BaseDistribution], params: Params) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    searched = optuna.create_study(direction="maximize")
    searched.add_trials([_trial(distributions, values) for values in params])
    return searched


def _shares(searched: optuna.Study, tuned: Sequence[str], mious: Sequence[np.ndarray]) -> Mapping[str, float]:
    """Importance if the trials of a study in memory had these mIoUs, which they have from now on."""
    # adding all trials anew for each permutation would take longer than the evaluation
    for trial, miou in zip(searched.get_trials(deepcopy=False), np.concatenate(mious).tolist(), strict=True):
        trial.value = miou
    evaluator = PedAnovaImportanceEvaluator(target_quantile=BEST_SHARE)
    return optuna.importance.get_param_importances(searched, evaluator=evaluator, params=list(tuned))


def _trial(distributions: Mapping[str, BaseDistribution], values: Mapping[str, Any]) -> FrozenTrial:
    params = {name: _as(distributions[name], value) for name, value in values.items() if value == value}
    active = {name: distributions[name] for name in params}
    return create_trial(state=TrialState.COMPLETE, params=params, distributions=active, value=0.0)


def distribution(entry: Mapping[str, Any]) -> BaseDistribution:
    """Optuna's form of an entry of `tune:`."""
    return _DISTRIBUTIONS[entry["type"]](entry)


_DISTRIBUTIONS = {
    "uniform": lambda entry: FloatDistribution(entry["low"], entry["high"]),
    "log_uniform": lambda entry: FloatDistribution(entry["low"], entry["high"], log=True),
    "int": lambda entry: IntDistribution(entry["low"], entry["high"], entry.get("log", False), entry.get("step", 1)),
    "choice": lambda entry: CategoricalDistribution(entry["values"]),
    "grid": lambda entry: CategoricalDistribution(entry["values"]),
}


def _as(kind: BaseDistribution, value: Any) -> Any:
    """A value as the distribution has it: the record's texts become numbers and numbers the choices they equal."""
    if isinstance(kind, CategoricalDistribution):
        return next((choice for choice in kind.choices if choice == value or str(choice) == str(value)), value)
    return int(value) if isinstance(kind, IntDistribution) else float(value)
