"""Tables as files: Markdown, LaTeX (booktabs) and CSV."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pandas as pd

_NUMBER = re.compile(r"[+\-−–]?[\d.]*( [±(].*)?")
_CODE = re.compile(r"`([^`]*)`")
_IN_LATEX = {"±": r"$\pm$", "−": "$-$", "–": "--", "₀": "$_0$"}


def markdown(table: pd.DataFrame) -> str:
    """A pipe table of the cells as they are."""
    lines = [list(map(str, table.columns)), ["---"] * len(table.columns), *table.astype(str).to_numpy().tolist()]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines) + "\n"


def latex(table: pd.DataFrame, caption: str, label: str) -> str:
    """A table environment with booktabs rules, everything escaped; it needs `\\usepackage{booktabs}`."""
    columns = "".join("r" if _is_numeric(table[name].astype(str).tolist()) else "l" for name in table.columns)
    styled: Any = table.style.hide(axis="index")
    styled = styled.format(escape="latex").format_index(escape="latex", axis="columns")
    text = styled.to_latex(hrules=True, column_format=columns, caption=_escaped(caption), label=label)
    return _plain(text)


def csv(table: pd.DataFrame) -> str:
    """Numbers in the shortest form that reads back to the same bits."""
    return table.to_csv(index=False, lineterminator="\n")


def _is_numeric(column: Sequence[str]) -> bool:
    return all(_NUMBER.fullmatch(cell) for cell in column)


def _escaped(text: str) -> str:
    plain = "".join(f"\\{character}" if character in "&%$#_{}" else character for character in text)
    return _CODE.sub(r"\\texttt{\1}", plain)


def _plain(text: str) -> str:
    for character, command in _IN_LATEX.items():
        text = text.replace(character, command)
    return text
