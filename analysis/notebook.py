"""Figures in a notebook."""

from __future__ import annotations

from IPython.display import Image, display
from matplotlib.figure import Figure

from analysis.style import png


def show(figure: Figure | None, otherwise: str = "This study has nothing to show here.") -> None:
    """Display a figure of the project; it is none of pyplot's, which notebooks would show by themselves."""
    if figure is None:
        print(otherwise)
    else:
        display(Image(png(figure), width=figure.get_figwidth() * figure.dpi / 1.5))
