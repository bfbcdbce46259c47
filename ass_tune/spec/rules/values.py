"""Rules about single values: each fits its field of the configuration and stands once in its list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ass_tune.spec.draft import Draft
from ass_tune.spec.errors import Path, SpecError, shown
from ass_tune.spec.hyperparameters import Choice, Grid, Integer, LogUniform, Uniform
from ass_tune.spec.model import TUNED
from ass_tune.spec.space import contains, same
from ass_tune.spec.wording import field_type, mismatches


def values_fit_their_fields(draft: Draft) -> Iterator[SpecError]:
    """Every level, fixed value, choice and range end is one that the configuration's field takes."""
    if draft.config is None:
        return
    for path, name, value in _values(draft):
        if name in draft.config.tunable():
            for inside, message in mismatches(field_type(draft.config, name), value).items():
                yield draft.error((*path, *inside), message)


def _values(draft: Draft) -> Iterator[tuple[Path, str, Any]]:
    for name, value in draft.spec.fixed.items():
        yield ("fixed", name), name, value
    for name, levels in draft.spec.ablate.items():
        yield from ((("ablate", name, index), name, level) for index, level in enumerate(levels) if level != TUNED)
    for name, domain in draft.spec.tune.items():
        if isinstance(domain, Choice | Grid):
            yield from ((("tune", name, "values", index), name, value) for index, value in enumerate(domain.values()))
        elif isinstance(domain, Integer | LogUniform | Uniform):
            yield ("tune", name, "low"), name, domain.low
            yield ("tune", name, "high"), name, domain.high


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


RULES = (values_fit_their_fields, values_stand_once)
