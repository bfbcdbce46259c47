"""Which classes gain: IoU per class over the baseline, a row per cell."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from analysis.study import Study
from analysis.study_cell import StudyCell
from analysis.style import DIVERGING, new_figure
from trainables.ass.metrics import iou_per_class
from trainables.words import format_points

INCHES = 0.46
"""Width of a class: room for a sign and four figures."""


def class_gains(study: Study) -> Figure | None:
    """Heat map of differences in IoU on the report split, points, means over seeds; None without counts."""
    found = [(cell, gains) for cell in study.cells if (gains := gains_of(study, cell)) is not None]
    if not found:
        return None
    values = np.array([list(gains.values()) for _, gains in found])
    classes = list(found[0][1])
    figure, (axes,) = new_figure(max(4.5, 2.0 + INCHES * len(classes)), 2.2 + 0.24 * len(found))
    limit = max(1.0, float(np.max(np.abs(values[np.isfinite(values)]), initial=0.0)))
    image = axes.imshow(values, cmap=DIVERGING, vmin=-limit, vmax=limit, aspect="auto")
    for (y, x), value in np.ndenumerate(values):
        text, strong = "" if np.isnan(value) else format_points(value, "+"), abs(value) > 0.6 * limit
        axes.text(x, y, text, ha="center", va="center", fontsize=6.5, color="white" if strong else "black")
    axes.set_xticks(range(len(classes)), classes, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(found)), [cell.label for cell, _ in found])
    axes.grid(visible=False)
    bar = figure.colorbar(image, ax=axes, orientation="horizontal", aspect=40, pad=0.02, shrink=0.8)
    bar.set_label("IoU minus that of the baseline, points")
    return figure


def gains_of(study: Study, cell: StudyCell) -> dict[str, float] | None:
    """Per class, IoU minus that of the cell's baseline, mean over the seeds that both have; None for baselines."""
    baseline = study.baseline_of(cell)
    if baseline is None or baseline == cell:
        return None
    ours, theirs = study.results(cell), study.results(baseline)
    seeds = [seed for seed in ours if seed in theirs]
    sides = [study.confusions([runs[seed] for seed in seeds]) for runs in (ours, theirs)]
    if sides[0] is None or sides[1] is None:
        return None
    per_seed = iou_per_class(sides[0].counts.sum(axis=1)) - iou_per_class(sides[1].counts.sum(axis=1))
    return dict(zip(sides[0].classes, per_seed.mean(axis=0), strict=True))
