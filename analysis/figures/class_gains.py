"""Which classes gain: IoU per class over the baseline, a row per cell."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from analysis.study import Study, StudyCell
from analysis.style import DIVERGING, new_figure
from trainables.ass.metrics import iou_per_class


def class_gains(study: Study) -> Figure | None:
    """Heat map of differences in IoU on the report split, points, means over seeds; None without counts."""
    found = [(cell, gains) for cell in study.cells if (gains := gains_of(study, cell)) is not None]
    if not found:
        return None
    values = np.array([list(gains.values()) for _, gains in found])
    classes = list(found[0][1])
    figure, (axes,) = new_figure(7.2, 1.6 + 0.24 * len(found))
    limit = max(1.0, float(np.nanquantile(np.abs(values), 0.98)))
    image = axes.imshow(values, cmap=DIVERGING, vmin=-limit, vmax=limit, aspect="auto")
    for (y, x), value in np.ndenumerate(values):
        strong = abs(value) > 0.6 * limit
        axes.text(x, y, _points(value), ha="center", va="center", fontsize=6.5, color="white" if strong else "black")
    axes.set_xticks(range(len(classes)), classes, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(found)), [cell.label for cell, _ in found])
    axes.grid(visible=False)
    figure.colorbar(image, ax=axes, label="IoU over the baseline, points", shrink=0.9)
    return figure


def gains_of(study: Study, cell: StudyCell) -> dict[str, float] | None:
    """Per class, mean over the seeds of both of IoU minus that of the cell's baseline; None for baselines."""
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


def _points(value: float) -> str:
    return "" if np.isnan(value) else "0" if abs(value) < 0.5 else f"{value:+.0f}"
