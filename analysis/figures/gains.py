"""Gains over the baseline with both of their intervals: where a method helps, and where it does not."""

from __future__ import annotations

import math

from matplotlib.figure import Figure

from analysis.figures.colors import adaptor_colors
from analysis.study import Study
from analysis.style import PALE, new_figure
from analysis.table import Row


def gain_intervals(study: Study, rows: list[Row]) -> Figure | None:
    """One line per cell that has a baseline: thick over images, thin over seeds; None where no cell has one."""
    shown = [row for row in rows if row.gain is not None]
    if not shown:
        return None
    colors = adaptor_colors(study)
    figure, (axes,) = new_figure(7.2, 1.1 + 0.26 * len(shown))
    axes.axvline(0, color=PALE, linewidth=1)
    for place, row in enumerate(shown):
        assert row.gain is not None
        seeds, images = row.gain.seeds, row.gain.images
        color = colors[row.cell.without_budget()]
        if not math.isnan(seeds.half_width):
            ends = [seeds.mean - seeds.half_width, seeds.mean + seeds.half_width]
            axes.plot(ends, [place, place], color=color, linewidth=1.2, marker="|", markersize=7)
        if images is not None:
            axes.plot([images.low, images.high], [place, place], color=color, linewidth=5, alpha=0.45)
        axes.plot(seeds.mean, place, color=color, marker="o", markersize=5)
    axes.set_yticks(range(len(shown)), [_label(row) for row in shown])
    axes.grid(visible=False, axis="y")
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.set_xlabel("gain in mIoU over the baseline, points (thin: 95% over seeds; thick: 95% over images)")
    return figure


def _label(row: Row) -> str:
    budget = row.cell.budget
    return row.cell.without_budget() if budget is None else f"{row.cell.without_budget()}, {budget} labels"
