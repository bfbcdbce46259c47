"""Rules about single values: each fits its field of the configuration and stands once in its list."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from ass_tune.spec.draft import Draft
from ass_tune.spec.errors import Path, SpecError, shown
from ass_tune.spec.hyperparameters import Choice, Grid, LogUniform, Uniform
from ass_tune.spec.model import TUNED
from ass_tune.spec.space import MAX_VALUES, count_cells, distinct
from ass_tune.spec.wording import field_type, mismatches
from trainables.config import Value
from trainables.words import Cell, format_value

MAX_CELLS = 1000
LONGEST_CELL = 400
"""Characters of a cell's name; ledgers on a database keep 512 with the names of study and stage."""


def values_fit_their_fields(draft: Draft) -> Iterator[SpecError]:
    """Every level, fixed value, choice and range end is one that the configuration's field takes."""
    if draft.config is None:
        return
    for path, name, value in _values(draft):
        if name in draft.config.tunable():
            for inside, message in mismatches(field_type(draft.config, name), value).items():
                yield draft.error((*path, *inside), message)


def _values(draft: Draft) -> Iterator[tuple[Path, str, Any]]:
    """Every value of a variable as it stands in the file, also where the rest of its entry is broken."""
    for name in draft.declared("fixed"):
        yield ("fixed", name), name, draft.document.value(("fixed", name))
    for name in draft.declared("ablate"):
        yield from _items(draft, ("ablate", name), name)
    for name in draft.declared("tune"):
        entry = draft.document.value(("tune", name))
        for key in ("low", "high", "values") if isinstance(entry, dict) else ():
            if key in entry:
                yield from _items(draft, ("tune", name, key), name)


def _items(draft: Draft, path: Path, name: str) -> Iterator[tuple[Path, str, Any]]:
    value = draft.document.value(path)
    if not isinstance(value, list):
        yield path, name, value
        return
    yield from (((*path, index), name, item) for index, item in enumerate(value) if item != TUNED)


def ranges_of_fractions_fit_their_fields(draft: Draft) -> Iterator[SpecError]:
    """A continuous range is for a field that takes fractions, whatever its ends are."""
    for name, domain in draft.spec.tune.items():
        if draft.config is None or name not in draft.config.tunable():
            continue
        if not isinstance(domain, Uniform | LogUniform) or domain.low >= domain.high:
            continue
        inside = domain.low + (domain.high - domain.low) / math.pi
        if mismatches(field_type(draft.config, name), inside):
            text = f"found '{domain.type}', which draws fractions, for a field that takes none; allowed: int, choice"
            yield draft.error(("tune", name, "type"), text)


def the_table_has_a_size(draft: Draft) -> Iterator[SpecError]:
    """The number of cells is one that a study can have."""
    count = count_cells(draft.spec)
    if count > MAX_CELLS:
        yield draft.error(("ablate",), f"found {count} combinations of levels; allowed: at most {MAX_CELLS}")
    longest = Cell(tuple((name, max(levels, key=_length)) for name, levels in draft.spec.ablate.items())).name
    if len(longest) > LONGEST_CELL:
        text = f"found a combination whose name has {len(longest)} characters; allowed: at most {LONGEST_CELL}"
        yield draft.error(("ablate",), text)


def _length(level: Value) -> int:
    return len(format_value(level))


def lists_have_a_size(draft: Draft) -> Iterator[SpecError]:
    """Lists that are looked at value by value in every cell are short."""
    for name, domain in draft.spec.tune.items():
        lists: dict[Path, Sequence[Value]] = {("when", other): values for other, values in domain.when.items()}
        if isinstance(domain, Choice | Grid):
            lists["values",] = domain.values()
        for path, values in lists.items():
            if len(values) > MAX_VALUES:
                text = f"found {len(values)} values; allowed: at most {MAX_VALUES}"
                yield draft.error(("tune", name, *path), text)


def values_stand_once(draft: Draft) -> Iterator[SpecError]:
    """Levels, choices, grid values, condition values and seeds repeat nothing."""
    for name, levels in draft.spec.ablate.items():
        yield from _repeated(draft, ("ablate", name), levels)
    for name, domain in draft.spec.tune.items():
        if isinstance(domain, Choice | Grid):
            yield from _repeated(draft, ("tune", name, "values"), domain.values())
        for other, values in domain.when.items():
            yield from _repeated(draft, ("tune", name, "when", other), values)
    yield from _repeated(draft, ("search", "train_seeds"), draft.spec.search.train_seeds)
    yield from _repeated(draft, ("replicate", "seeds"), draft.spec.replicate.seeds)


def _repeated(draft: Draft, path: Path, values: Sequence[Any]) -> Iterator[SpecError]:
    first: dict[tuple[bool, Any], int] = {}
    for index, value in enumerate(values):
        place = first.setdefault(distinct(value), index)
        if place != index:
            text = f"found {shown(value)} a second time, first in place {place + 1} of the list; allowed: once"
            yield draft.error((*path, index), text)


RULES = (
    values_fit_their_fields,
    ranges_of_fractions_fit_their_fields,
    the_table_has_a_size,
    lists_have_a_size,
    values_stand_once,
)
