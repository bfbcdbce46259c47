"""One look for all figures: colours that colour-blind readers tell apart, names never read as formulas."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from analysis.study import Study

# Okabe and Ito's palette
COLORS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000", "#F0E442")
MARKERS = "os^Dv<>p"
DIVERGING = "RdBu"
SEQUENTIAL = "cividis"
PALE = "#999999"
_SETTINGS: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "ass_tune",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.alpha": 0.3,
    "legend.frameon": False,
}


def new_figure(width: float = 7.0, height: float = 4.0, rows: int = 1, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """A figure of so many inches, and its axes row by row, all in the style of the project."""
    if "IPython" in sys.modules:
        # matplotlib reads its version, and MLflow may be importing it in another thread: this waits for that
        import_module("IPython")
    matplotlib.rcParams["text.parse_math"] = False  # names of cells are no formulas, nor are labels set later
    with matplotlib.rc_context(_SETTINGS):
        figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False)
    return figure, list(axes.ravel())


def color(index: int) -> str:
    """The colour of the nth of several things."""
    return COLORS[index % len(COLORS)]


def adaptor_colors(study: Study) -> dict[str, str]:
    """One colour for what a cell is apart from its budget, the same in every figure of a study."""
    names = dict.fromkeys(cell.without_budget() for cell in study.cells)
    return {name: color(index) for index, name in enumerate(names)}


def marker(index: int) -> str:
    """The marker of the nth of several things: a figure is readable in black and white too."""
    return MARKERS[index % len(MARKERS)]


def legend_columns(figure: Figure, names: Sequence[str], most: int = 6) -> int:
    """How many columns of a legend at the foot of a figure fit its width."""
    inches = 0.55 + 0.08 * max(map(len, names), default=0)
    return max(1, min(most, int(figure.get_figwidth() / inches)))


def png(figure: Figure) -> bytes:
    """As PNG."""
    return _saved(figure, "png")


def svg(figure: Figure) -> bytes:
    """As SVG, the same bytes for the same figure."""
    return _saved(figure, "svg")


def _saved(figure: Figure, kind: str) -> bytes:
    stream = io.BytesIO()
    with matplotlib.rc_context(_SETTINGS):
        figure.savefig(stream, format=kind, metadata={"Date": None} if kind == "svg" else None)
    return stream.getvalue()
