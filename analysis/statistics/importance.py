"""Which hyperparameter decided: PED-ANOVA (Watanabe et al., 2023) per cell and over all cells, by Optuna."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import optuna
import pandas as pd
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.importance import PedAnovaImportanceEvaluator
from optuna.trial import TrialState, create_trial

from analysis.study import Study
from trainables.words import SELECT

FEWEST_TRIALS = 8
"""Of fewer, the best quarter is a single trial, and its importance a guess."""
BEST_SHARE = 0.25
POOLED = "all cells"


def importance(study: Study) -> pd.DataFrame:
    """Share of each hyperparameter in what sets the best quarter of trials apart, by cell and over all cells.

    Columns: cell, hyperparameter, importance (of one cell they sum to 1), trials, note (why there is no figure). Of
    finished tuning trials and select mIoU. Over all cells mIoU is taken as distance from its cell's mean, and
    hyperparameters are those that all pooled cells tune.
    """
    frame = study.frame.query("stage == 'tuning' and outcome == 'finished'").dropna(subset=[SELECT])
    rows = []
    for cell in study.cells:
        if len(cell.tuned) > 1:
            rows += _shares(study, frame.query("cell == @cell.name"), cell.name, cell.tuned)
    most = max((cell.tuned for cell in study.cells), key=len, default=())
    if len(most) > 1:
        alike = {cell.name for cell in study.cells if cell.tuned == most}
        pooled = frame.loc[[cell in alike for cell in frame["cell"]]].copy()
        pooled[SELECT] -= pooled.groupby("cell")[SELECT].transform("mean")
        rows += _shares(study, pooled, POOLED, most)
    return pd.DataFrame(rows, columns=["cell", "hyperparameter", "importance", "trials", "note"])


def _shares(study: Study, trials: pd.DataFrame, name: str, tuned: tuple[str, ...]) -> list[dict[str, Any]]:
    found: Mapping[str, float] = {}
    note = ""
    if len(trials) < FEWEST_TRIALS:
        note = f"{len(trials)} finished trials, of at least {FEWEST_TRIALS}"
    else:
        found = _evaluated(study, trials, tuned)
    line = {"cell": name, "trials": len(trials), "note": note}
    return [{**line, "hyperparameter": one, "importance": found.get(one)} for one in tuned]


def _evaluated(study: Study, trials: pd.DataFrame, tuned: tuple[str, ...]) -> Mapping[str, float]:
    distributions = {name: distribution(study.settings["tune"][name]) for name in tuned}
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    searched = optuna.create_study(direction="maximize")
    for row in trials[[*tuned, SELECT]].itertuples(index=False):
        values = dict(zip(tuned, row[:-1], strict=True))
        params = {name: _as(distributions[name], value) for name, value in values.items() if value == value}
        active = {name: distributions[name] for name in params}
        searched.add_trial(
            create_trial(state=TrialState.COMPLETE, params=params, distributions=active, value=float(row[-1]))
        )
    evaluator = PedAnovaImportanceEvaluator(target_quantile=BEST_SHARE)
    return optuna.importance.get_param_importances(searched, evaluator=evaluator, params=list(tuned))


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
