"""Sentences and figures in a notebook."""

from __future__ import annotations

from collections.abc import Sequence

from IPython.display import Image, Markdown, display
from matplotlib.figure import Figure

from analysis.style import png

NOTHING = "This study has nothing to show here."


def show(figure: Figure | None, otherwise: str = NOTHING) -> None:
    """Display a figure of the project, which is not one of pyplot's that notebooks show by themselves."""
    if figure is None:
        say([otherwise])
    else:
        display(Image(png(figure), width=figure.get_figwidth() * figure.dpi / 1.5))


def say(sentences: Sequence[str]) -> None:
    """Display sentences as a paragraph each."""
    display(Markdown("\n\n".join(sentences)))
