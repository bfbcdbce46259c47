"""Figure 3 of the paper: image, truth, and what each adaptor predicts for the same images."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from analysis.pictures import PredictedImage
from analysis.study import Study
from analysis.study_cell import StudyCell
from analysis.style import legend_columns, new_figure


def prediction_panels(study: Study, budget: int | None) -> Figure | None:
    """A row per image, a column per cell of this number of labeled images, first seed; None without pictures."""
    shown = _shown(study, budget)
    if not shown:
        return None
    first = shown[0][1]
    rows, columns = len(first), 2 + len(shown)
    height = first[0].pixels.shape[0] / first[0].pixels.shape[1]
    width = 1.55 * columns
    figure, axes = new_figure(width, rows * 1.55 * height + 0.75, rows, columns)
    for row, picture in enumerate(first):
        line = axes[row * columns : (row + 1) * columns]
        _show(line[0], picture.pixels, "image" if row == 0 else "")
        _show(line[1], picture.colored(picture.truth), "truth" if row == 0 else "")
        for place, (cell, pictures) in zip(line[2:], shown, strict=True):
            same = next(found for found in pictures if found.image == picture.image)
            _show(place, same.colored(same.prediction), cell.without_budget().replace(", ", ",\n") if row == 0 else "")
    columns = legend_columns(figure, first[0].classes)
    figure.legend(handles=_legend(first), loc="outside lower center", ncols=columns, fontsize=7, frameon=False)
    return figure


def _shown(study: Study, budget: int | None) -> list[tuple[StudyCell, list[PredictedImage]]]:
    """Cells of one budget with the pictures of their first seed, those that show the same images as the first."""
    found = []
    for cell in study.cells:
        runs = list(study.results(cell).values())[:1]
        pictures = study.pictures(runs) if cell.budget == budget else {}
        if pictures:
            found.append((cell, pictures[runs[0]]))
    names = [picture.image for picture in found[0][1]] if found else []
    return [(cell, pictures) for cell, pictures in found if [picture.image for picture in pictures] == names]


def _show(axes: Axes, pixels: np.ndarray, title: str) -> None:
    axes.imshow(pixels, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.set_title(title, fontsize=8, loc="center")


def _legend(pictures: list[PredictedImage]) -> list[Patch]:
    first = pictures[0]
    return [Patch(color=first.colors[index] / 255.0, label=name) for index, name in enumerate(first.classes)]
