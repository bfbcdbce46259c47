"""What pruning saved, and what it may have cost."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.study import Study
from analysis.wording import count
from trainables.words import SELECT


@dataclass(frozen=True)
class PrunedCell:
    """Tuning trials of a cell, how many were pruned, and of these the iterations and hours saved and winners lost."""

    cell: str
    trials: int
    pruned: int
    iterations: int
    hours: float
    lost: float


@dataclass(frozen=True)
class Pruning:
    """Figures of a study's pruning, over all cells.

    Attributes:
        pruned: trials that were stopped.
        tuning: tuning trials.
        iterations: those that pruned trials did not train.
        share: of the iterations that tuning would have taken.
        hours: trial-hours saved, each trial at its own pace.
        agreement: mean over cells of Spearman's rank correlation, among finished tuning trials, between select mIoU
            at the first iteration that pruned and at the end; NaN where no cell has three such trials.
        lost: expected number of pruned trials that would have become their cell's best.
        cells: the same by cell.
    """

    pruned: int
    tuning: int
    iterations: int
    share: float
    hours: float
    agreement: float
    lost: float
    cells: tuple[PrunedCell, ...]


def pruning(study: Study) -> Pruning | None:
    """None where nothing was pruned.

    A pruned trial at mIoU m would have been the best if it had gained more than best − m until the end. How often
    trials gain so much after that iteration is taken from the finished tuning trials of all cells.
    """
    tuning = study.frame.query("stage == 'tuning'")
    pruned = tuning.query("outcome == 'pruned' and iteration > 0")
    if pruned.empty:
        return None
    curves = study.metric(SELECT).pivot_table(index="run", columns="iteration", values="value", aggfunc="last")
    finished = tuning.query("outcome == 'finished'")
    rows = [_cell(study, curves, tuning, finished, cell.name) for cell in study.cells if cell.tuned]
    iterations = sum(row.iterations for row in rows)
    return Pruning(
        pruned=len(pruned),
        tuning=len(tuning),
        iterations=iterations,
        share=iterations / (study.iterations * len(tuning)),
        hours=sum(row.hours for row in rows),
        agreement=_agreement(study, curves, finished, min(pruned["iteration"].tolist())),
        lost=sum(row.lost for row in rows),
        cells=tuple(rows),
    )


def said_of(found: Pruning) -> list[str]:
    """Sentences on what pruning saved and risked."""
    saved = (
        f"{found.pruned} of {count(found.tuning, 'tuning trial')} {'was' if found.pruned == 1 else 'were'} pruned. "
        f"That saved {count(found.iterations, 'iteration')}, {found.share:.0%} of what tuning would have trained, "
        f"about {found.hours:.2g} trial-hours."
    )
    risked = (
        "If pruned trials had gained as much later as the finished ones did, the expected number of pruned trials that "
        f"would have become the best of their cell is {found.lost:.1f}."
    )
    if math.isnan(found.agreement):
        return [saved, risked]
    agreed = (
        "Among the finished trials of a cell, the order at the first iteration at which trials were pruned and the "
        f"order at the end have a rank correlation of {found.agreement:.2f} (Spearman's, mean over cells)."
    )
    return [saved, risked, agreed]


def _cell(study: Study, curves: pd.DataFrame, tuning: pd.DataFrame, finished: pd.DataFrame, name: str) -> PrunedCell:
    of_cell = tuning.query("cell == @name")
    pruned = of_cell.query("outcome == 'pruned' and iteration > 0")
    left = (study.iterations - pruned["iteration"]).to_numpy(np.float64)
    seconds = (pruned["end"] - pruned["start"]).dt.total_seconds().to_numpy(np.float64)
    pace = seconds / pruned["iteration"].to_numpy(np.float64)
    lost = [_chance_of_winning(study, curves, finished, name, run) for run in pruned["run"]]
    hours = float(np.nansum(pace * left) / 3600)
    return PrunedCell(name, len(of_cell), len(pruned), int(left.sum()), hours, float(np.nansum(lost)))


def _chance_of_winning(study: Study, curves: pd.DataFrame, finished: pd.DataFrame, cell: str, run: str) -> float:
    curve = curves.loc[run].dropna()
    stopped_at, miou = curve.index[-1], float(curve.iloc[-1])
    ended = curves.loc[[one for one in finished["run"] if one in curves.index]]
    gains = (ended[study.iterations] - ended[stopped_at]).dropna().to_numpy(np.float64)
    best = ended.loc[
        [one for one in finished.query("cell == @cell")["run"] if one in ended.index], study.iterations
    ].max()
    return float((gains > best - miou).mean()) if len(gains) and best == best else math.nan


def _agreement(study: Study, curves: pd.DataFrame, finished: pd.DataFrame, iteration: int) -> float:
    found = []
    for _, of_cell in finished.groupby("cell"):
        runs = [run for run in of_cell["run"] if run in curves.index]
        ended = curves.loc[runs, [iteration, study.iterations]].dropna()
        if len(ended) > 2:
            found.append(ended[iteration].corr(ended[study.iterations], method="spearman"))
    return float(np.nanmean(found)) if found else math.nan
