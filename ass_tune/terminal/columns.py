"""Columns that the tables of a terminal share: factors under short names that stay clear, counts, the best value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from ass_tune.terminal.layout import Column
from trainables.config import Value
from trainables.objective import Objective
from trainables.words import BUDGET, format_points, format_value

SHORT = {
    BUDGET: "labels",
    "classifier_lr_factor": "lr_factor",
    "backbone_weights": "weights",
    "normalisation": "norm",
}
"""Names of factors that are clear although shorter. Other names are short enough or have no clear short form."""

EMPTY = 9
"""How soon a column of counts without any trial is left out: before all others."""


def short_names(factors: Iterable[str]) -> dict[str, str]:
    """A short name for each factor of a study; the factor's own name where two would have the same."""
    names = {factor: SHORT.get(factor, factor) for factor in factors}
    used = Counter(names.values())
    return {factor: name if used[name] == 1 else factor for factor, name in names.items()}


def level_columns(cells: Sequence[Mapping[str, Value]]) -> list[Column]:
    """A column for each factor; for a study without factors one that says `all`."""
    if not cells or not cells[0]:
        return [Column("cell", ["all"] * len(cells), right=False, names=True)]
    columns = []
    for factor, name in short_names(cells[0]).items():
        texts = [format_value(levels[factor]) for levels in cells]
        columns.append(Column(name, texts, right=all(map(_is_number, texts)), names=True))
    return columns


def level_pairs(levels: Mapping[str, Value]) -> list[str]:
    """E.g. `adaptor=ga+csa` and `labels=50`; `all` for a study without factors."""
    names = short_names(levels)
    return [f"{names[factor]}={format_value(level)}" for factor, level in levels.items()] or ["all"]


def count_column(title: str, counts: Sequence[int], spare: int = 0) -> Column:
    """Numbers of trials, nothing for 0."""
    return Column(title, [str(count or "") for count in counts], spare=spare if any(counts) else EMPTY)


def best_column(values: Sequence[float | None], objective: Objective) -> Column:
    """The best value on the select split so far."""
    return Column(f"best select {objective.name}", ["" if value is None else format_points(value) for value in values])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
