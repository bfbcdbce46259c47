"""Sections as one HTML page that needs no network: it holds its pictures and the files of its tables."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pandas as pd
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup, escape

from analysis.report.blocks import Block, Picture, Points, Section, Table, Text

_MACROS = {Text: "paragraph", Points: "points", Picture: "picture", Table: "table"}
_TYPES = {"csv": "text/csv", "md": "text/markdown", "tex": "text/x-tex", "svg": "image/svg+xml", "png": "image/png"}
_NUMBER = re.compile(
    r"[+\-−–<>]?\s*[\d.,]*(e[+\-]\d+)?( ?%)?( ± [\d.]+)?( to [+\-−]?[\d.]+)?( \([+\-−]?[\d.]+ to [+\-−]?[\d.]+\))?"
)
_CODE = re.compile(r"`([^`]*)`")
_LONG = 28
"""Texts of a table with more characters than this may take several lines."""


def page(title: str, about: str, sections: Sequence[Section]) -> str:
    """The whole page; every text is escaped, and words between backticks are code."""
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True)
    environment.filters |= {"marked": _marked, "plain": _plain}
    template = environment.get_template("page.html.j2")
    helpers = {"data": _picture, "rows": _rows, "kinds": _kinds, "kind": _kind, "files": _files}
    macros = template.make_module(helpers)

    def show(block: Block) -> Markup:
        return getattr(macros, _MACROS[type(block)])(block)

    return template.render(title=title, about=about, sections=sections, show=show, **helpers)


def _marked(text: str) -> Markup:
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))


def _plain(text: str) -> str:
    return text.replace("`", "")


def _picture(block: Picture) -> str:
    return _data_uri("png" if block.photographs else "svg", block.in_page())


def _files(block: Table) -> list[tuple[str, str]]:
    named = [(PurePosixPath(path).name, content) for path, content in block.files().items()]
    return [(name, _data_uri(name.rpartition(".")[2], content)) for name, content in named]


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:{_TYPES[kind]};base64,{base64.b64encode(content).decode()}"


def _rows(table: pd.DataFrame) -> list[list[str]]:
    return table.astype(str).to_numpy().tolist()


def _kinds(table: pd.DataFrame) -> list[str]:
    """Class of each column: columns of numbers are aligned right."""
    columns = table.astype(str).to_numpy().T.tolist()
    return ["number" if all(_NUMBER.fullmatch(cell) or cell == "baseline" for cell in c) else "text" for c in columns]


def _kind(cell: str, of_column: str) -> str:
    """Class of a table cell: sure verdicts have a colour, long texts may wrap, others look like their column."""
    if cell in ("better", "worse"):
        return cell
    return "long" if len(cell) > _LONG and of_column == "text" else of_column
