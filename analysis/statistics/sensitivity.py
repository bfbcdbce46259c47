"""Is the method sensitive to this hyperparameter? The question of the paper's Table 2, by a test instead of by eye."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis.statistics.seeds import holm
from analysis.study import Study, StudyCell
from trainables.words import REPORT, SELECT

ALPHA = 0.05
FEWEST_VALUES = 4
"""Distinct values of a hyperparameter: a parabola through fewer leaves nothing to test."""


@dataclass(frozen=True)
class Noise:
    """How far training again under another seed moves the report mIoU.

    Attributes:
        std: standard deviation in points.
        freedom: degrees of freedom that it is known with.
    """

    std: float
    freedom: int


def seed_noise(study: Study) -> Noise | None:
    """Over the seeds of the best configurations but the first, pooled over cells; None with fewer than two such seeds.

    The first seed is left out: the configuration was chosen because it did well with it.
    """
    squares, freedom = 0.0, 0
    report = study.last(REPORT)
    for cell in study.cells:
        runs = study.results(cell)
        others = [report[runs[seed]] for seed in study.seeds[1:] if seed in runs and runs[seed] in report]
        if len(others) > 1:
            squares += float(np.var(others) * len(others))
            freedom += len(others) - 1
    return Noise(math.sqrt(squares / freedom), freedom) if freedom else None


def sensitivity(study: Study) -> pd.DataFrame:
    """Per cell and hyperparameter, whether report mIoU follows it further than seeds and chance would.

    The null is that mIoU does not depend on it. What a parabola in the value (in its logarithm where it is searched
    so; in groups for choices) explains of the finished tuning trials' mIoU is set against the variance over seeds, or
    against what the parabola leaves unexplained if that is more, since the other hyperparameters vary too. Trials that
    were pruned are missing, and they would have been the worst: what is found is rather too little than too much.

    Columns: cell, hyperparameter, trials, spread (highest minus lowest mIoU), noise (std over seeds), p, p_holm
    (over all rows), verdict.
    """
    noise = seed_noise(study)
    rows = [_tested(study, cell, name, noise) for cell in study.cells for name in cell.tuned]
    for row, corrected in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_holm"] = corrected
        row["verdict"] = _verdict(row["p"], corrected, noise)
    columns = ["cell", "hyperparameter", "trials", "spread", "noise", "p", "p_holm", "verdict"]
    return pd.DataFrame(rows, columns=columns)


def _tested(study: Study, cell: StudyCell, name: str, noise: Noise | None) -> dict[str, Any]:
    frame = study.frame.query("cell == @cell.name and stage == 'tuning' and outcome == 'finished'")
    frame = frame.dropna(subset=[REPORT, name])
    mious = frame[REPORT].to_numpy(np.float64)
    line = {"cell": cell.name, "hyperparameter": name, "trials": len(frame)}
    spread = float(np.ptp(mious)) if len(mious) else math.nan
    p = math.nan if noise is None else p_of_dependence(_terms(study, name, frame[name].tolist()), mious, noise)
    return {**line, "spread": spread, "noise": noise.std if noise else math.nan, "p": p}


def p_of_dependence(terms: np.ndarray | None, mious: np.ndarray, noise: Noise) -> float:
    """P-value of an F-test; NaN where too little was tried.

    Args:
        terms: (trials, terms) of the hyperparameter, without the constant; None where there are too few values.
        mious: (trials,) of finished trials.
        noise: over seeds.
    """
    if terms is None or len(mious) <= terms.shape[1] + 1:
        return math.nan
    centred = terms - terms.mean(axis=0)
    fitted = centred @ np.linalg.lstsq(centred, mious - mious.mean(), rcond=None)[0]
    explained = float(fitted @ fitted) / terms.shape[1]
    left = mious - mious.mean() - fitted
    freedom = len(mious) - terms.shape[1] - 1
    unexplained = float(left @ left) / freedom
    by_seeds = (noise.std**2, noise.freedom)
    variance, of_variance = max(by_seeds, (unexplained, freedom))
    return float(stats.f.sf(explained / variance, terms.shape[1], of_variance)) if variance > 0 else math.nan


def _terms(study: Study, name: str, values: Sequence[Any]) -> np.ndarray | None:
    entry = study.settings["tune"][name]
    if entry["type"] == "choice" or any(isinstance(value, str) for value in values):
        return _groups(values)
    if len(set(values)) < FEWEST_VALUES:
        return _groups(values) if entry["type"] == "grid" else None
    log = entry["type"] == "log_uniform" or entry.get("log") or _geometric(entry)
    x = np.log(values) if log else np.array(values, np.float64)
    x = (x - x.mean()) / x.std()
    return np.stack([x, x**2], axis=1)


def _geometric(entry: dict[str, Any]) -> bool:
    """A grid of positive values over at least a decade is meant on the log scale."""
    values = entry.get("values", [])
    return bool(values) and min(values) > 0 and max(values) >= 10 * min(values)


def _groups(values: Sequence[Any]) -> np.ndarray | None:
    """A column for each value but the first; None for a single value."""
    distinct = sorted(set(values), key=str)
    return (
        np.array([[value == one for one in distinct[1:]] for value in values], np.float64)
        if len(distinct) > 1
        else None
    )


def _verdict(p: float, corrected: float, noise: Noise | None) -> str:
    if noise is None:
        return "too few seeds"
    if math.isnan(p):
        return "too few trials"
    if corrected < ALPHA:
        return "sensitive"
    return "sensitive, but not after Holm's correction" if p < ALPHA else "not shown to be sensitive"


def best_configurations(study: Study) -> pd.DataFrame:
    """Per cell that tunes: its best hyperparameters, select mIoU, and the lead over the next in points and noise."""
    noise, rows = seed_noise(study), []
    for cell in study.cells:
        finished = study.frame.query("cell == @cell.name and stage == 'tuning' and outcome == 'finished'")
        finished = finished.dropna(subset=[SELECT]).sort_values([SELECT, "number"], ascending=[False, True])
        if not cell.tuned or finished.empty:
            continue
        mious = finished[SELECT].tolist()
        lead = mious[0] - mious[1] if len(mious) > 1 else math.nan
        best = {name: finished[name].iloc[0] for name in cell.tuned}
        rows.append({"cell": cell.name, **best, "select": mious[0], "lead": lead, "lead/noise": _ratio(lead, noise)})
    return pd.DataFrame(rows)


def _ratio(lead: float, noise: Noise | None) -> float:
    return lead / noise.std if noise and noise.std > 0 else math.nan
