"""Sentences, tables and figures in a notebook."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from IPython.display import Image, Markdown, display
from matplotlib.figure import Figure

from analysis.statistics.seeds import Mean
from analysis.style import png
from analysis.table import interval
from trainables.words import format_points

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


def differences(named: dict[str, Mean | None]) -> pd.DataFrame:
    """One row per difference that is known: its mean over cells in points, the 95% interval, and how many cells."""
    rows = [
        {
            "difference": name,
            "points": format_points(found.mean, "+"),
            "95% over cells": interval(found.mean - found.half_width, found.mean + found.half_width)
            if found.n > 1
            else "",
            "cells": str(found.n),
        }
        for name, found in named.items()
        if found is not None
    ]
    return pd.DataFrame(rows, columns=["difference", "points", "95% over cells", "cells"])
