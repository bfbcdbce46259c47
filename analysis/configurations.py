"""The configurations that a cell's search tried: each a mean over the seeds that search."""

from __future__ import annotations

import pandas as pd

from analysis.study import Study
from analysis.study_cell import StudyCell


def configurations(study: Study, cell: StudyCell) -> pd.DataFrame:
    """One row for each configuration that finished under all seeds of the cell's tuning trials, in their order.

    Configurations are compared as means over the same seeds, so what a seed does to all of them cancels out. Trials
    of one configuration are not independent of each other, so they are one observation.

    Columns: the cell's tuned hyperparameters, number (of its first trial), seeds (how many), and the objective
    on both splits.
    """
    tuning = study.frame.query("cell == @cell.name and stage == 'tuning'")
    finished = tuning.query("outcome == 'finished'").sort_values("number")
    names, select, report = list(cell.tuned), study.objective.select, study.objective.report
    if finished.empty or not names:
        return pd.DataFrame(columns=[*names, "number", "seeds", select, report])
    grouped = finished.groupby(names, sort=False, dropna=False, as_index=False)
    found = grouped.agg(
        **{
            "number": ("number", "first"),
            "seeds": ("seed", "nunique"),
            select: (select, "mean"),
            report: (report, "mean"),
        }
    )
    return found.query(f"seeds == {len(set(tuning['seed']))}").reset_index(drop=True)
