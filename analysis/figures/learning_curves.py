"""Learning curves of every trial, a panel per cell, with the pruned ones marked."""

from __future__ import annotations

from itertools import zip_longest

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.study import Study
from analysis.study_cell import StudyCell
from analysis.style import PALE, adaptor_colors, new_figure

MOST_PANELS = 30
"""Of more cells the first are shown."""


def learning_curves(study: Study) -> Figure | None:
    """The objective on the select split over iterations; None where nothing has been reported.

    Trials of the table are in colour, all others grey, and pruned ones end in a cross.
    """
    rows, curves = _rows(study), study.metric(study.objective.select)
    if curves.empty:
        return None
    columns = max(len(row) for row in rows)
    figure, axes = new_figure(max(4.0, 1.9 * columns + 0.8), 1.6 * len(rows) + 0.6, len(rows), columns)
    by_run = {str(run): (curve["iteration"].tolist(), curve["value"].tolist()) for run, curve in curves.groupby("run")}
    shown = [axes[index * columns + place] for index, row in enumerate(rows) for place in range(len(row))]
    low, high = np.quantile(curves["value"], 0.02), max(curves["value"])
    for one, cell in zip(shown, [cell for row in rows for cell in row], strict=True):
        _panel(one, study, cell, by_run)
        one.set_ylim(low - 1, high + 1)
    for one in axes:
        one.set_visible(one in shown)
    for row, _ in enumerate(rows):
        axes[row * columns].set_ylabel(f"select {study.objective.name}{study.objective.axis}")
    for one in shown[-columns:]:
        one.set_xlabel("iteration")
    return figure


def _rows(study: Study) -> list[list[StudyCell]]:
    """Cells of one adaptor in a row, one panel for each number of labeled images."""
    by_name: dict[str, list[StudyCell]] = {}
    for cell in study.cells[:MOST_PANELS]:
        by_name.setdefault(cell.without_budget(), []).append(cell)
    if all(len(cells) == 1 for cells in by_name.values()):
        alone = [cells[0] for cells in by_name.values()]
        return [[cell for cell in four if cell] for four in zip_longest(*[iter(alone)] * 4)]
    return list(by_name.values())


def _panel(axes: Axes, study: Study, cell: StudyCell, by_run: dict[str, tuple[list[int], list[float]]]) -> None:
    color = adaptor_colors(study)[cell.without_budget()]
    trials = study.frame.query("cell == @cell.name").sort_values("chosen")
    for run, outcome, chosen in zip(trials["run"], trials["outcome"], trials["chosen"], strict=True):
        iterations, values = by_run.get(run, ([], []))
        axes.plot(iterations, values, color=color if chosen else PALE, linewidth=1.3 if chosen else 0.7)
        if outcome == "pruned" and iterations:
            axes.plot(iterations[-1], values[-1], "x", color="black", markersize=5)
    axes.set_title(cell.label, fontsize=8)
