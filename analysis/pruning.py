"""What pruning saved, and what it may have cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.statistics.lost_winners import chances_of_winning
from analysis.study import Study
from analysis.wording import count


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
        lost: expected number of pruned trials that would have ended above their cell's best finished one; NaN where
            too few trials went on to tell.
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
    """None where nothing was pruned. How winners that were lost are estimated: `analysis.statistics.lost_winners`."""
    tuning = study.frame.query("stage == 'tuning'")
    pruned = tuning.query("outcome == 'pruned' and iteration > 0")
    if pruned.empty:
        return None
    curves = study.metric(study.objective.select).pivot_table(
        index="run", columns="iteration", values="value", aggfunc="last"
    )
    finished = tuning.query("outcome == 'finished'")
    chances = _chances(study, curves, tuning)
    rows = [_cell(study, chances, tuning, cell.name) for cell in study.cells if cell.tuned]
    iterations = sum(row.iterations for row in rows)
    return Pruning(
        pruned=len(pruned),
        tuning=len(tuning),
        iterations=iterations,
        share=iterations / (study.iterations * len(tuning)),
        hours=sum(row.hours for row in rows),
        agreement=_agreement(study, curves, finished, min(pruned["iteration"].tolist())),
        lost=_sum_of_known(list(chances.values())),
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
        "Had they been continued, and gained as trials with the same reports did on average, the expected number of "
        f"pruned trials that would have ended above the best of their cell is {found.lost:.1f}."
    )
    if math.isnan(found.lost):
        risked = "Too few trials went on to estimate how many pruned trials would have become the best of their cell."
    if math.isnan(found.agreement):
        return [saved, risked]
    agreed = (
        "Among the finished trials of a cell, the order at the first iteration at which trials were pruned and the "
        f"order at the end have a rank correlation of {found.agreement:.2f} (Spearman's, mean over cells)."
    )
    return [saved, risked, agreed]


def _cell(study: Study, chances: Mapping[str, float], tuning: pd.DataFrame, name: str) -> PrunedCell:
    of_cell = tuning.query("cell == @name")
    pruned = of_cell.query("outcome == 'pruned' and iteration > 0")
    left = (study.iterations - pruned["iteration"]).to_numpy(np.float64)
    seconds = (pruned["end"] - pruned["start"]).dt.total_seconds().to_numpy(np.float64)
    pace = seconds / pruned["iteration"].to_numpy(np.float64)
    hours = float(np.nansum(pace * left) / 3600)
    lost = _sum_of_known([chances[run] for run in pruned["run"]]) if len(pruned) else 0.0
    return PrunedCell(name, len(of_cell), len(pruned), int(left.sum()), hours, lost)


def _chances(study: Study, curves: pd.DataFrame, tuning: pd.DataFrame) -> dict[str, float]:
    """For each pruned trial the chance that it would have ended above the best one of its cell and seed."""
    ended = tuning.query("outcome == 'finished' or (outcome == 'pruned' and iteration > 0)")
    ended = ended[ended["run"].isin(list(curves.index))]
    columns = sorted({*curves.columns, study.iterations})
    mious = study.objective.sign * curves.reindex(index=ended["run"], columns=columns).to_numpy(np.float64)
    cells = ended.groupby(["cell", "seed"]).ngroup().to_numpy()
    found = dict(zip(ended["run"], chances_of_winning(mious, cells).tolist(), strict=True))
    return {run: found[run] for run in ended.query("outcome == 'pruned'")["run"]}


def _sum_of_known(chances: Sequence[float]) -> float:
    known = [chance for chance in chances if not math.isnan(chance)]
    return sum(known) if known else math.nan


def _agreement(study: Study, curves: pd.DataFrame, finished: pd.DataFrame, iteration: int) -> float:
    found = []
    for _, of_cell in finished.groupby("cell"):
        runs = [run for run in of_cell["run"] if run in curves.index]
        ended = curves.loc[runs, [iteration, study.iterations]].dropna()
        if len(ended) > 2:
            found.append(ended[iteration].corr(ended[study.iterations], method="spearman"))
    return float(np.nanmean(found)) if found else math.nan
