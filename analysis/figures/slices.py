"""The objective over each hyperparameter, with a band for what chance does to trials of one seed."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from analysis.statistics.block_design import Noise
from analysis.statistics.sensitivity import noise_within_seeds
from analysis.study import Study
from analysis.study_cell import StudyCell
from analysis.style import PALE, adaptor_colors, legend_columns, new_figure
from analysis.wording import count


def slices(study: Study) -> Figure | None:
    """A row per hyperparameter, a column per number of labeled images; None where no tuning trial has reported.

    Finished tuning trials are dots, pruned ones crosses at their last value, chosen configurations ringed; the grey
    band is one standard deviation of chance within a seed to both sides of the best.
    """
    names, noise = study.hyperparameters, noise_within_seeds(study)
    budgets = sorted({cell.budget for cell in study.cells if cell.tuned}, key=lambda b: -1 if b is None else b)
    if not names or study.frame.query("stage == 'tuning'").dropna(subset=[study.objective.select]).empty:
        return None
    rows, columns = len(names), len(budgets)
    figure, axes = new_figure(max(4.0, 2.1 * columns + 0.8), 2.1 * rows + 0.6, rows, columns)
    for place, (name, budget) in enumerate((name, budget) for name in names for budget in budgets):
        cells = [cell for cell in study.cells if cell.budget == budget and name in cell.tuned]
        for cell in cells:
            _points(axes[place], study, cell, name, noise)
        _labels(axes[place], study.settings["tune"][name], name)
        if place < columns:
            axes[place].set_title("" if budget is None else count(budget, "label"), fontsize=9)
        if place % columns == 0:
            axes[place].set_ylabel(f"select {study.objective.name}{study.objective.axis}")
    handles = {text: handle for one in axes for handle, text in zip(*one.get_legend_handles_labels(), strict=True)}
    named = [name for name in adaptor_colors(study) if name in handles]
    figure.legend(
        [handles[name] for name in named],
        named,
        loc="outside lower center",
        ncols=legend_columns(figure, named),
        frameon=False,
    )
    return figure


def _points(axes: Axes, study: Study, cell: StudyCell, name: str, noise: Noise | None) -> None:
    color, label = adaptor_colors(study)[cell.without_budget()], cell.without_budget()
    select = study.objective.select
    trials = study.frame.query("cell == @cell.name and stage == 'tuning'").dropna(subset=[select, name])
    finished, pruned = trials.query("outcome == 'finished'"), trials.query("outcome == 'pruned'")
    axes.plot(finished[name], finished[select], "o", color=color, markersize=4, label=label)
    axes.plot(pruned[name], pruned[select], "x", color=color, markersize=4, alpha=0.7)
    best = finished.query("best")
    if not best.empty:
        axes.plot(best[name], best[select], "o", color=color, markersize=9, fillstyle="none")
        if noise is not None:
            value = float(np.mean(best[select].to_numpy()))
            axes.axhspan(value - noise.std, value + noise.std, color=PALE, alpha=0.08, linewidth=0)


def _labels(axes: Axes, entry: dict[str, Any], name: str) -> None:
    if entry["type"] == "log_uniform" or entry.get("log"):
        axes.set_xscale("log")
        axes.set_xlim(0.85 * entry["low"], entry["high"] / 0.85)
        narrow = entry["high"] < 100 * entry["low"]  # a range between two powers of ten would have no number
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if narrow else (1,)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))  # powers of ten are formulas
        axes.xaxis.set_minor_formatter(NullFormatter())
    elif all(isinstance(value, int | float) for value in entry.get("values", [None])):
        axes.set_xticks(entry["values"])
    axes.set_xlabel(name)
