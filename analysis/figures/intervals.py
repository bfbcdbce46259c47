"""Differences in mIoU as lines: each with its one 95% interval, for other seeds and other images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from analysis.statistics.verdict import Comparison
from analysis.style import PALE, new_figure


@dataclass(frozen=True)
class Interval:
    """One line of the figure; a hollow dot for what is beside the point of the figure, such as a control."""

    label: str
    color: str
    comparison: Comparison
    hollow: bool = False


def interval_lines(lines: Sequence[Interval], label: str) -> Figure:
    """One line each, from top to bottom; the label of the axis is completed by what the lines mean."""
    figure, (axes,) = new_figure(7.2, 1.1 + 0.26 * len(lines))
    axes.axvline(0, color=PALE, linewidth=1)
    for place, line in enumerate(lines):
        found, width = line.comparison, 1.2 if line.hollow else 2.0
        if not found.why_not_judged:
            axes.plot([found.low, found.high], [place, place], color=line.color, linewidth=width, marker="|")
        fill = "white" if line.hollow else line.color
        axes.plot(found.gain, place, color=line.color, marker="o", markersize=5, markerfacecolor=fill)
    axes.set_yticks(range(len(lines)), [line.label for line in lines])
    axes.grid(visible=False, axis="y")
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.set_xlabel(f"{label} ({_meaning([line.comparison for line in lines])})")
    return figure


def _meaning(found: Sequence[Comparison]) -> str:
    if all(one.why_not_judged for one in found):
        return "no interval: " + "; ".join(dict.fromkeys(one.why_not_judged for one in found))
    return "95%, simultaneous" if any(one.primary for one in found) else "95% each, not corrected"
