"""The section on the last snapshot of each trial and the one that was best on the select split."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from analysis.report.blocks import Section, Table, Text
from analysis.statistics.seeds import Mean, mean_over_seeds
from analysis.study import Study
from analysis.study_cell import StudyCell
from trainables.objective import Objective
from trainables.words import BEST_ITERATION, format_points, plus_minus

SNAPSHOT = "snapshot"
LAST = "last"
READING = (
    "Each trial is evaluated on the report split twice: as it was at the end of training, and as it was at the "
    "evaluation with the {} on the select split (the earliest of equals). Both are the mean over the trials "
    "of the table, ± the standard deviation over seeds. The difference is best minus last, paired by trial, ± the "
    "half-width of its 95% t-interval over seeds; each interval is of its cell alone. No verdict rests on this table."
)


@dataclass(frozen=True)
class Snapshots:
    """Both snapshots of a cell's trials in the table, over their seeds.

    Attributes:
        cell: they are of.
        reported: `last` or `best_on_select`, what the objective and all other tables are of.
        last: on the report split, of the last snapshot.
        best: on the report split, of the one that was best on the select split.
        difference: best minus last, paired by trial.
        iteration: mean iteration of the best snapshot.
    """

    cell: StudyCell
    reported: str
    last: Mean
    best: Mean
    difference: Mean
    iteration: float


def snapshots_of(study: Study) -> list[Snapshots]:
    """Of each cell whose trials in the table recorded both snapshots."""
    settings = _settings(study)
    names = (study.objective.report_last, study.objective.report_best, BEST_ITERATION)
    last, best, iteration = map(study.last, names)
    found = []
    for cell in study.cells:
        runs = [run for run in study.results(cell).values() if run in last and run in best]
        if runs:
            found.append(
                Snapshots(
                    cell,
                    settings[runs[0]],
                    mean_over_seeds([last[run] for run in runs]),
                    mean_over_seeds([best[run] for run in runs]),
                    mean_over_seeds([best[run] - last[run] for run in runs]),
                    sum(iteration.get(run, math.nan) for run in runs) / len(runs),
                )
            )
    return found


def _best_of(objective: Objective) -> str:
    return f"{'highest' if objective.sign > 0 else 'lowest'} {objective.name}"


def snapshots(study: Study) -> Section | None:
    """Both values and their difference; None where trials did not record both."""
    found = snapshots_of(study)
    if not found:
        return None
    shown = pd.DataFrame([_texts(one, study.iterations, study.objective) for one in found], dtype=str)
    table = Table(
        "snapshots", "Last and best snapshot", shown, pd.DataFrame([_figures(one, study.objective) for one in found])
    )
    return Section(
        "Last and best snapshot", (Text(f"{_reported(found)} {READING.format(_best_of(study.objective))}"), table)
    )


def _reported(found: list[Snapshots]) -> str:
    reported = {one.reported for one in found}
    if reported == {LAST}:
        return "All other tables and figures are of the last snapshot of each trial."
    if LAST not in reported:
        return "All other tables and figures are of each trial's best snapshot on the select split."
    return "All other tables and figures are of the snapshot that a cell's trials are set to report."


def _settings(study: Study) -> Mapping[str, str]:
    """What each trial was set to report."""
    rows = zip(study.trials["run"].to_pylist(), study.trials["params"].to_pylist(), strict=True)
    return {run: dict(params or ()).get(SNAPSHOT, LAST) for run, params in rows}


def _texts(found: Snapshots, iterations: int, objective: Objective) -> dict[str, str]:
    return {
        **found.cell.shown,
        f"{objective.name} last": plus_minus(found.last.mean, found.last.std),
        f"{objective.name} best on select": plus_minus(found.best.mean, found.best.std),
        "difference": plus_minus(found.difference.mean, found.difference.half_width, "+"),
        "best at iteration": f"{format_points(found.iteration)} of {iterations}",
        "reported": found.reported.replace("_", " "),
        "seeds": str(found.last.n),
    }


def _figures(found: Snapshots, objective: Objective) -> dict[str, object]:
    means = {"last": found.last, "best_on_select": found.best, "difference": found.difference}
    return {
        **found.cell.levels,
        **{f"{name}_{objective.metric}": mean.mean for name, mean in means.items()},
        "last_std": found.last.std,
        "best_on_select_std": found.best.std,
        "difference_half_width": found.difference.half_width,
        "best_iteration": found.iteration,
        "reported": found.reported,
        "seeds": found.last.n,
    }
