"""One colour per adaptor, the same in every figure of a study."""

from __future__ import annotations

from analysis.study import Study
from analysis.style import color


def adaptor_colors(study: Study) -> dict[str, str]:
    """Colours by what a cell is beside its budget, in the order of the study."""
    names = dict.fromkeys(cell.without_budget() for cell in study.cells)
    return {name: color(index) for index, name in enumerate(names)}
