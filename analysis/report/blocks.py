"""What a page is made of: sections of text, tables and figures; each table and figure is also a file.

In texts and captions, words between `backticks` are code.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd
from matplotlib.figure import Figure

from analysis.formats import csv, latex, markdown
from analysis.style import png, svg


@dataclass(frozen=True)
class Text:
    """A paragraph; a warning stands out."""

    text: str
    warning: bool = False


@dataclass(frozen=True)
class Points:
    """A list of sentences."""

    points: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table as people read it; `name` is that of its files and its id in the page.

    Attributes:
        shown: texts.
        figures: the same in full precision, for the CSV; `shown` if not given.
        folded: whether the page shows it only after a click on its caption.
    """

    name: str
    caption: str
    shown: pd.DataFrame
    figures: pd.DataFrame | None = None
    folded: bool = False

    def files(self) -> dict[str, bytes]:
        """As Markdown, LaTeX and CSV."""
        contents = {
            "md": markdown(self.shown),
            "tex": latex(self.shown, self.caption, f"tab:{self.name}"),
            "csv": csv(self.figures if self.figures is not None else self.shown),
        }
        return {f"tables/{self.name}.{kind}": content.encode() for kind, content in contents.items()}


@dataclass(frozen=True)
class Picture:
    """A figure; photographs are in the page as PNG, everything else as SVG."""

    name: str
    caption: str
    figure: Figure
    photographs: bool = False
    drawn: dict[str, bytes] = field(default_factory=dict, init=False, compare=False)

    def files(self) -> dict[str, bytes]:
        """As SVG and PNG."""
        if not self.drawn:
            self.drawn.update({"svg": svg(self.figure), "png": png(self.figure)})
        return {f"figures/{self.name}.{kind}": content for kind, content in self.drawn.items()}

    def in_page(self) -> bytes:
        """The picture that the page holds."""
        return self.files()[f"figures/{self.name}.{'png' if self.photographs else 'svg'}"]


Block = Text | Points | Table | Picture


@dataclass(frozen=True)
class Section:
    """A heading and what comes under it."""

    title: str
    blocks: tuple[Block, ...]
