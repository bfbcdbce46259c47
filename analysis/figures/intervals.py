"""Differences in mIoU as lines: a thin one for the interval over seeds, a thick one for that over images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from analysis.statistics.gains import Gain
from analysis.style import PALE, new_figure


@dataclass(frozen=True)
class Interval:
    """One line of the figure."""

    label: str
    color: str
    gain: Gain


def interval_lines(lines: Sequence[Interval], label: str) -> Figure:
    """One line each, from top to bottom; the label of the axis is completed by what the lines mean."""
    figure, (axes,) = new_figure(7.2, 1.1 + 0.26 * len(lines))
    axes.axvline(0, color=PALE, linewidth=1)
    for place, line in enumerate(lines):
        seeds, images = line.gain.seeds, line.gain.images
        if not math.isnan(seeds.half_width):
            ends = [seeds.mean - seeds.half_width, seeds.mean + seeds.half_width]
            axes.plot(ends, [place, place], color=line.color, linewidth=1.2, marker="|", markersize=7)
        if images is not None:
            axes.plot([images.low, images.high], [place, place], color=line.color, linewidth=5, alpha=0.45)
        axes.plot(seeds.mean, place, color=line.color, marker="o", markersize=5)
    axes.set_yticks(range(len(lines)), [line.label for line in lines])
    axes.grid(visible=False, axis="y")
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.set_xlabel(f"{label} ({_meaning(lines)})")
    return figure


def _meaning(lines: Sequence[Interval]) -> str:
    over_seeds = any(not math.isnan(line.gain.seeds.half_width) for line in lines)
    over_images = any(line.gain.images is not None for line in lines)
    shown = ["thin: 95% over seeds"] * over_seeds + ["thick: 95% over images"] * over_images
    return "; ".join(shown) or "one seed: no interval"
