"""Rules about single values: each fits its field of the configuration and stands once in its list."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from ass_tune.spec.draft import Draft
from ass_tune.spec.errors import Path, SpecError, shown
from ass_tune.spec.hyperparameters import Choice, Grid
from ass_tune.spec.model import TUNED
from ass_tune.spec.space import contains, same
from ass_tune.spec.wording import field_type, mismatches

MAX_CELLS = 2000


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


def the_table_has_a_size(draft: Draft) -> Iterator[SpecError]:
    """The number of cells is one that a study can have."""
    count = math.prod(len(levels) for levels in draft.spec.ablate.values())
    if count > MAX_CELLS:
        yield draft.error(("ablate",), f"found {count} combinations of levels; allowed: at most {MAX_CELLS}")


def values_stand_once(draft: Draft) -> Iterator[SpecError]:
    """Levels, choices, grid values, condition values and seeds repeat nothing."""
    for name, levels in draft.spec.ablate.items():
        yield from _repeated(draft, ("ablate", name), levels)
    for name, domain in draft.spec.tune.items():
        if isinstance(domain, Choice | Grid):
            yield from _repeated(draft, ("tune", name, "values"), domain.values())
        for other, values in domain.when.items():
            yield from _repeated(draft, ("tune", name, "when", other), values)
    yield from _repeated(draft, ("replicate", "seeds"), draft.spec.replicate.seeds)


def _repeated(draft: Draft, path: Path, values: Sequence[Any]) -> Iterator[SpecError]:
    for index, value in enumerate(values):
        if contains(values[:index], value):
            first = next(position for position, other in enumerate(values) if same(other, value))
            text = f"found {shown(value)} a second time, first in place {first + 1} of the list; allowed: once"
            yield draft.error((*path, index), text)


RULES = (values_fit_their_fields, the_table_has_a_size, values_stand_once)
