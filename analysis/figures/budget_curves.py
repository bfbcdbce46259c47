"""mIoU over labeled images, a line per adaptor: the paper's Table 1 as a picture."""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.study import Study
from analysis.style import adaptor_colors, marker, new_figure
from analysis.table import Row

SHIFT = 0.05
"""Between two adaptors at the same budget, so that their bars stand beside each other."""


def budget_curves(study: Study, rows: list[Row]) -> Figure:
    """Mean over seeds on the report split with the 95% interval as a band; bars where there is no budget axis."""
    shown = [row for row in rows if row.report is not None]
    budgets = sorted({row.cell.budget for row in shown if row.cell.budget is not None})
    figure, (axes,) = new_figure(7.2, 4.2)
    if len(budgets) > 1 and all(row.cell.budget is not None for row in shown):
        _lines(axes, shown, budgets, adaptor_colors(study))
    else:
        _bars(axes, shown, adaptor_colors(study))
    return figure


def _lines(axes: Axes, rows: list[Row], budgets: list[int], colors: dict[str, str]) -> None:
    for index, (name, color) in enumerate(colors.items()):
        points = [
            (budgets.index(row.cell.budget or 0), row.report) for row in rows if row.cell.without_budget() == name
        ]
        points = sorted((place, found) for place, found in points if found is not None)
        x = [place + SHIFT * (index - (len(colors) - 1) / 2) for place, _ in points]
        y = [found.mean for _, found in points]
        half = [0.0 if math.isnan(found.half_width) else found.half_width for _, found in points]
        axes.errorbar(
            x, y, half, color=color, marker=marker(index), label=name, linewidth=1.6, elinewidth=1, capsize=2.5
        )
        low, high = [m - h for m, h in zip(y, half, strict=True)], [m + h for m, h in zip(y, half, strict=True)]
        axes.fill_between(x, low, high, color=color, alpha=0.06, linewidth=0)
    axes.set_xticks(range(len(budgets)), [str(budget) for budget in budgets])
    axes.set_xlabel("labeled target images")
    axes.set_ylabel("mIoU on the report split, %\n(bars, bands: 95% over seeds)")
    axes.legend(loc="lower right", frameon=False)


def _bars(axes: Axes, rows: list[Row], colors: dict[str, str]) -> None:
    means = [row.report for row in rows if row.report is not None]
    axes.barh(
        range(len(means)),
        [found.mean for found in means],
        xerr=[0.0 if math.isnan(found.half_width) else found.half_width for found in means],
        color=[colors[row.cell.without_budget()] for row in rows],
        capsize=3,
    )
    axes.set_yticks(range(len(rows)), [row.cell.name for row in rows])
    axes.invert_yaxis()
    axes.set_xlabel("mIoU on the report split, % (bar: 95% interval over seeds)")
