"""The tuning trials of a study that was run, as curves: what would another pruner have cost and found?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from analysis.study import Study
from ass_tune.replay.curve_set import DIVERGED, CurveSet, RecordedCell
from trainables.mistakes import UserMistake
from trainables.words import Cell

Curves = Mapping[str, Mapping[int, float]]
"""By run, a metric by iteration."""


def curves_of(study: Study, iterations: tuple[int, ...]) -> CurveSet:
    """The tuning trials of a study in the order in which they were started.

    Values are such that more is better. Curves of trials that were pruned end there. A trial that was never begun under
    a seed has none.

    Args:
        study: in any state.
        iterations: of the reports of the study that replays them, which must be those of the record.

    Raises UserMistake where the record has reports at other iterations, or no tuning trial.
    """
    if (recorded := study.settings["train"]) != (asked := _train(iterations)):
        raise UserMistake(f"study {study.name}: recorded with train: {recorded}; found train: {asked} in the file")
    columns = ["run", "cell", "seed", "outcome", "number", "params", "start", "end", "stage"]
    rows = [row for row in study.trials.select(columns).to_pylist() if row["stage"] == "tuning" and row["outcome"]]
    select = _curves(study)
    cells, left_out = [], []
    for cell in study.cells:
        of_cell = sorted((row for row in rows if row["cell"] == cell.name), key=lambda row: row["number"])
        if len({_content(row) for row in of_cell}) > 1:
            cells.append(_cell(Cell(cell.factors), of_cell, study, select, iterations))
        elif cell.tuned:
            left_out.append((cell.name, "fewer than two tuning trials that ended"))
    if not cells:
        raise UserMistake(f"study {study.name}: found no cell with two tuning trials that ended; nothing to replay")
    complete = not any(np.isnan(cell.results).any() for cell in cells)
    return CurveSet(study.name, tuple(cells), iterations, tuple(left_out), complete)


def _train(iterations: tuple[int, ...]) -> dict[str, int]:
    return {"iterations": iterations[-1], "evaluate_every": iterations[0]}


def _curves(study: Study) -> Curves:
    found: dict[str, dict[int, float]] = {}
    for run, iteration, value in study.metric(study.objective.select).itertuples(index=False):
        found.setdefault(run, {})[iteration] = study.objective.sign * value
    return found


def _cell(
    cell: Cell, rows: list[dict[str, Any]], study: Study, select: Curves, iterations: tuple[int, ...]
) -> RecordedCell:
    contents = list(dict.fromkeys(map(_content, rows)))
    seeds = tuple(seed for seed in study.train_seeds if any(row["seed"] == seed for row in rows))
    values = np.full((len(contents), len(seeds), len(iterations)), np.nan)
    objectives, results, pace = (np.full(values.shape[:2], fill) for fill in (np.nan, np.nan, 1.0))
    reported, sign = study.last(study.objective.report), study.objective.sign
    for row in rows:
        if row["seed"] not in seeds:
            continue
        at = contents.index(_content(row)), seeds.index(row["seed"])
        curve = select.get(row["run"], {})
        values[at] = [curve.get(iteration, np.nan) for iteration in iterations]
        reports = int(np.isfinite(values[at]).sum())
        if row["outcome"] == "diverged" and reports < len(iterations):
            values[(*at, reports)] = objectives[at] = results[at] = DIVERGED
        elif row["outcome"] == "finished":
            objectives[at] = sign * study.chosen_by[row["run"]]
            results[at] = sign * reported[row["run"]] if row["run"] in reported else values[(*at, -1)]
        if reports and row["end"] is not None and row["start"] is not None:
            pace[at] = max((row["end"] - row["start"]).total_seconds() / reports, 1e-3)
    places = tuple(range(len(contents)))
    return RecordedCell(cell, places, False, seeds, values, objectives, results, pace, places)


def _content(row: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value) for name, value in row["params"] if name != "seed"))
