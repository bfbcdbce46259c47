"""The primary comparisons with their intervals: where a method helps, and where it does not."""

from __future__ import annotations

from matplotlib.figure import Figure

from analysis.figures.intervals import Interval, interval_lines
from analysis.statistics.gains import Judged
from analysis.study_cell import StudyCell
from analysis.style import adaptor_colors


def gain_intervals(judged: Judged) -> Figure | None:
    """One line per primary comparison and, below it, one over its control; None where no cells can be compared."""
    study, lines = judged.study, []
    cells, colors = {cell.name: cell for cell in study.cells}, adaptor_colors(study)
    for gain in judged.primary:
        ours, theirs = cells[gain.comparison.ours], cells[gain.comparison.theirs]
        color = colors[ours.without_budget()]
        if gain.comparison.seeds:
            lines.append(Interval(_label(ours, theirs, study.baseline_of(ours)), color, gain.comparison))
        if gain.control is not None and gain.control.seeds:
            lines.append(Interval("over its control", color, gain.control, hollow=True))
    return (
        interval_lines(lines, f"gain in {study.objective.name}{study.objective.axis_of_difference}") if lines else None
    )


def _label(ours: StudyCell, theirs: StudyCell, baseline: StudyCell | None) -> str:
    """The other side is named where it is not the baseline."""
    return ours.label if theirs == baseline else f"{ours.label} over {theirs.label}"
