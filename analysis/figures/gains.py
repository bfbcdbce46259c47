"""Gains over the baseline with both of their intervals: where a method helps, and where it does not."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from analysis.figures.intervals import Interval, interval_lines
from analysis.study import Study
from analysis.style import adaptor_colors
from analysis.table import Row


def gain_intervals(study: Study, rows: Sequence[Row]) -> Figure | None:
    """One line per cell that has a baseline; None where no cell has one."""
    colors = adaptor_colors(study)
    lines = [Interval(row.cell.label, colors[row.cell.without_budget()], row.gain) for row in rows if row.gain]
    return interval_lines(lines, "gain in mIoU over the baseline, points") if lines else None
