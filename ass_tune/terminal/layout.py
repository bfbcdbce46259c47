"""Text that fits a terminal's width without losing any of it: tables that choose their columns, lines that wrap."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from rich import box
from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

GAP = 2
"""Terminal columns between two columns of a table."""
INDENT = "  "
MOST_LINES = 4
"""Lines that a title or a folded text may have."""


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        title: its heading, which may be wrapped at spaces and after underscores.
        texts: one for each row.
        right: whether it is aligned to the right.
        names: whether it is a factor, which names the row together with the other factors.
        folds: whether its texts may be wrapped after commas.
        spare: columns with the highest number are left out first where not all fit; 0 is never left out.
    """

    title: str
    texts: Sequence[str]
    right: bool = True
    names: bool = False
    folds: bool = False
    spare: int = 0


def wrapped(items: Sequence[str], width: int, separator: str = " ") -> list[str]:
    """Items on as few lines of `width` columns as possible, no item broken; one that is too long has its own line."""
    lines: list[str] = []
    for index, item in enumerate(items):
        text = item if index == len(items) - 1 else item + separator.rstrip()
        longer = f"{lines[-1]} {text}" if lines else text
        if lines and cell_len(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(text)
    return lines


def listing(
    heads: Sequence[Sequence[str]], bodies: Sequence[Sequence[str]], width: int, separator: str = " "
) -> list[list[str]]:
    """Lines of each entry: its head, and its body to the right of it or, where that is too narrow, indented below.

    Lines break between items only.
    """
    left = max((cell_len(" ".join(head)) for head in heads), default=0) + GAP
    longest = max((cell_len(item) for body in bodies for item in body), default=0) + len(separator.rstrip())
    side_by_side = width - left >= max(longest, width // 3)
    entries = []
    for head, body in zip(heads, bodies, strict=True):
        if side_by_side:
            name = " ".join(head)
            lines = wrapped(body, width - left, separator) or [""]
            padding = " " * (left - cell_len(name))
            entries.append([(name + padding + lines[0]).rstrip(), *(" " * left + line for line in lines[1:])])
        else:
            below = wrapped(body, width - len(INDENT), separator)
            entries.append([*wrapped(head, width), *(INDENT + line for line in below)])
    return entries


class FittedTable:
    """A table that fits a width: with all its columns, or without some, or as a block of lines for each row.

    Args:
        columns: those of the full table; all with as many texts.
        width: columns of the terminal.
        bold: numbers of the rows that stand out.
    """

    def __init__(self, columns: Sequence[Column], width: int, bold: Collection[int] = ()) -> None:
        self.rows = len(columns[0].texts)
        self._bold = bold
        self._placed = next((placed for placed in _choices(columns) if _width(placed) <= width), None)
        self._blocks = [] if self._placed is not None else _blocks(columns, width)

    def rows_in(self, height: int) -> int:
        """How many rows fit into `height` lines, the heading included."""
        lines = 1 + max(len(placed.title) for placed in self._placed) if self._placed is not None else 0
        for row in range(self.rows):
            lines += self._height(row)
            if lines > height:
                return row
        return self.rows

    def first(self, rows: int | None = None) -> RenderableType:
        """The first rows, or all of them."""
        shown = range(self.rows if rows is None else rows)
        if self._placed is None:
            lines = [(line, row in self._bold) for row in shown for line in self._blocks[row]]
            return Group(*(Text(line, style="bold" if bold else "", overflow="fold") for line, bold in lines))
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, GAP - 1, 0, 0))
        for placed in self._placed:
            justify = "right" if placed.column.right else "left"
            table.add_column(Text("\n".join(placed.title)), justify=justify, vertical="bottom", no_wrap=True)
        for row in shown:
            texts = (Text(placed.column.texts[row]) for placed in self._placed)
            table.add_row(*texts, style="bold" if row in self._bold else "")
        return table

    def _height(self, row: int) -> int:
        if self._placed is None:
            return len(self._blocks[row])
        return max(placed.column.texts[row].count("\n") for placed in self._placed) + 1


@dataclass(frozen=True)
class _Placed:
    """A column as it is shown: with lines in its texts and its title."""

    column: Column
    width: int
    title: list[str]


def _choices(columns: Sequence[Column]) -> Iterator[list[_Placed]]:
    """Ever narrower tables: titles of more lines, then fewer spare columns, then texts of more lines."""
    shown = list(columns)
    for spare in [None, *sorted((column for column in columns if column.spare), key=lambda column: -column.spare)]:
        shown = [column for column in shown if column is not spare]
        yield from ([_place(column, lines) for column in shown] for lines in range(1, MOST_LINES + 1))
    for lines in range(2, MOST_LINES + 1):
        yield [_place(_folded(column, lines), MOST_LINES) for column in shown]


def _width(placed: Sequence[_Placed]) -> int:
    return sum(each.width for each in placed) + GAP * (len(placed) - 1)


def _place(column: Column, lines: int) -> _Placed:
    """The column at the width of its texts, or at what its title needs to have at most so many lines."""
    texts = max((cell_len(line) for text in column.texts for line in text.split("\n")), default=0)
    parts = re.findall(r"[^ _]*[ _]+|[^ _]+", column.title)  # broken after spaces and underscores
    width = max([texts, *(cell_len(part.rstrip()) for part in parts)])
    while len(title := _title_lines(parts, width)) > lines and width < cell_len(column.title):
        width += 1
    return _Placed(column, width, title)


def _title_lines(parts: Sequence[str], width: int) -> list[str]:
    lines = [""]
    for part in parts:
        if cell_len((lines[-1] + part).rstrip()) <= width:
            lines[-1] += part
        else:
            lines.append(part)
    return [line.rstrip() for line in lines]


def _folded(column: Column, lines: int) -> Column:
    """The column with texts of at most `lines` lines, broken after commas."""
    if not column.folds:
        return column
    texts = []
    for text in column.texts:
        items = text.split(", ")
        per_line = -(-len(items) // lines)
        parts = [", ".join(items[first : first + per_line]) for first in range(0, len(items), per_line)]
        texts.append(",\n".join(parts))
    return replace(column, texts=texts)


def _blocks(columns: Sequence[Column], width: int) -> list[list[str]]:
    named = [column for column in columns if column.names]
    others = [column for column in columns if not column.names]
    rows = range(len(columns[0].texts))
    heads = [[f"{column.title}={column.texts[row]}" for column in named] for row in rows]
    bodies = [[f"{column.title} {column.texts[row]}" for column in others if column.texts[row]] for row in rows]
    return listing(heads, bodies, width, ", ")
