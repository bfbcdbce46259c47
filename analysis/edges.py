"""Where the best hyperparameters of a study lie at an end of their range: a better value may lie beyond it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from analysis.study import Study
from analysis.study_cell import StudyCell

NEAR = 0.05
"""Share of a range, of its logarithm where that is searched, within which a value is at an end."""


class End(StrEnum):
    """Of a range."""

    LOWER = "lower"
    UPPER = "upper"


@dataclass(frozen=True)
class Range:
    """The numbers that a search chose from.

    Attributes:
        low: its lower end.
        high: its upper end.
        log: whether its logarithm was searched.
        listed: how many numbers there are where only listed ones were tried, else 0.
    """

    low: float
    high: float
    log: bool = False
    listed: int = 0

    @property
    def text(self) -> str:
        """E.g. `0.1 to 10 on a log scale`."""
        return f"{self.low:g} to {self.high:g}{' on a log scale' if self.log else ''}"

    def end(self, value: float) -> End | None:
        """The end that a value is at; of listed numbers only the least and the greatest are."""
        low, high, found = (math.log(n) if self.log else n for n in (self.low, self.high, value))
        place, near = (found - low) / (high - low), 0.0 if self.listed else NEAR
        return End.LOWER if place <= near else End.UPPER if place >= 1 - near else None


@dataclass(frozen=True)
class AtEdge:
    """A hyperparameter of a cell's best configuration that lies at an end of its range."""

    cell: StudyCell
    hyperparameter: str
    value: float
    end: End
    searched: Range


def at_edges(study: Study) -> list[AtEdge]:
    """All of them, by hyperparameter in the order of the file; only of cells that had a choice."""
    best = study.frame.query("best").drop_duplicates("cell").set_index("cell")
    found = []
    for name in study.hyperparameters:
        if (searched := range_of(study.settings["tune"][name])) is None:
            continue
        of_cells = best[name].dropna().to_dict()
        for cell in study.cells:
            if cell.name in of_cells and (end := searched.end(of_cells[cell.name])) is not None:
                found.append(AtEdge(cell, name, of_cells[cell.name], end, searched))
    return found


def range_of(entry: Mapping[str, Any]) -> Range | None:
    """The range of an entry under `tune:`; None without an order, and of fewer than three listed numbers."""
    kind = entry["type"]
    if kind in ("uniform", "log_uniform", "int"):
        return Range(entry["low"], entry["high"], log=kind == "log_uniform" or entry.get("log", False))
    numbers = {value for value in entry["values"] if isinstance(value, int | float) and not isinstance(value, bool)}
    if kind != "grid" or len(numbers) < max(3, len(set(entry["values"]))):
        return None
    return Range(min(numbers), max(numbers), listed=len(numbers))


def edge_notes(study: Study) -> list[str]:
    """A notice for each end at which best values lie, with their cells."""
    places: dict[tuple[str, End, Range], list[str]] = {}
    for one in at_edges(study):
        places.setdefault((one.hyperparameter, one.end, one.searched), []).append(f"{one.cell.label} ({one.value:.3g})")
    return [f"{_where(*at)} in {'; '.join(cells)}. A better value may lie beyond it." for at, cells in places.items()]


def _where(name: str, end: End, searched: Range) -> str:
    if searched.listed:
        which = "smallest" if end is End.LOWER else "largest"
        return f"The best {name} is the {which} of the {searched.listed} values that were tried ({searched.text})"
    return f"The best {name} is within {NEAR:.0%} of the {end} end of its range ({searched.text})"
