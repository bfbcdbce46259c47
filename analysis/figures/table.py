"""The table as a picture: a line per adaptor over labeled images (the paper's Table 1), or a bar per cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.statistics.seeds import Mean
from analysis.study import Study
from analysis.study_cell import StudyCell
from analysis.style import adaptor_colors, marker, new_figure
from analysis.table import Row
from trainables.objective import Objective

SHIFT = 0.05
"""Between two lines at the same number of labeled images, so that their error bars do not cover each other."""
Point = tuple[StudyCell, Mean]


def table_figure(study: Study, rows: Sequence[Row]) -> Figure:
    """Means over seeds on the report split; error bars are one standard deviation over seeds, as in the table.

    Lines over the number of labeled images where that is a factor with several levels, else a bar per cell. Without a
    finished cell, empty axes that say so.
    """
    points = [(row.cell, row.report) for row in rows if row.report is not None]
    colors = adaptor_colors(study)
    if has_budget_axis(rows):
        figure, (axes,) = new_figure(7.2, 4.2)
        _lines(axes, points, colors, study.objective)
    else:
        figure, (axes,) = new_figure(7.2, 1.1 + 0.3 * max(3, len(points)))
        _bars(axes, points, colors, study.objective)
    if not points:
        axes.text(0.5, 0.5, "no trial of the table has finished", ha="center", va="center", transform=axes.transAxes)
    return figure


def has_budget_axis(rows: Sequence[Row]) -> bool:
    """Whether the figure has lines over labeled images."""
    budgets = {row.cell.budget for row in rows if row.report is not None}
    return len(budgets) > 1 and None not in budgets


def _lines(axes: Axes, points: Sequence[Point], colors: Mapping[str, str], objective: Objective) -> None:
    budgets = sorted({cell.budget for cell, _ in points if cell.budget is not None})
    for index, (name, color) in enumerate(colors.items()):
        line = [
            (budgets.index(cell.budget), mean)
            for cell, mean in points
            if cell.budget is not None and cell.without_budget() == name
        ]
        if line:
            line.sort(key=lambda point: point[0])
            places = [place + SHIFT * (index - (len(colors) - 1) / 2) for place, _ in line]
            means = [mean for _, mean in line]
            look = {"color": color, "marker": marker(index), "linewidth": 1.6, "elinewidth": 1, "capsize": 2.5}
            axes.errorbar(places, [mean.mean for mean in means], _spreads(means), label=name, **look)
    axes.set_xticks(range(len(budgets)), [str(budget) for budget in budgets])
    axes.set_xlim(-0.5, len(budgets) - 0.5)
    axes.set_xlabel("labeled target images")
    axes.set_ylabel(_label([mean for _, mean in points], objective))
    axes.legend(frameon=False)


def _bars(axes: Axes, points: Sequence[Point], colors: Mapping[str, str], objective: Objective) -> None:
    means = [mean for _, mean in points]
    axes.barh(
        range(len(means)),
        [mean.mean for mean in means],
        xerr=_spreads(means) if means else None,
        color=[colors[cell.without_budget()] for cell, _ in points],
        capsize=3,
    )
    axes.set_yticks(range(len(points)), [cell.label for cell, _ in points])
    axes.set_ylim(max(len(points), 1) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(_label(means, objective))


def _spreads(means: Sequence[Mean]) -> list[float]:
    """Of a single seed, none."""
    return [mean.std if mean.n > 1 else 0.0 for mean in means]


def _label(means: Sequence[Mean], objective: Objective) -> str:
    several = any(mean.n > 1 for mean in means)
    seeds = "mean ± std over seeds" if several else "one seed"
    return f"{objective.name} on the report split{objective.axis} ({seeds})"
