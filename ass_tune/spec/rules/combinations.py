"""Rules about what the values mean together: combinations that the trainable says are undefined."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ass_tune.spec.draft import Draft
from ass_tune.spec.errors import SpecError, cut, shown
from ass_tune.spec.hyperparameters import Choice, Grid, Integer, LogUniform, Uniform
from ass_tune.spec.space import Variable, all_cells, cell_values, contains, defined_values, distinct, few_values
from ass_tune.spec.watched import watch
from trainables.config import Value
from trainables.words import format_value

MAX_ASKED = 100_000
Undefined = Callable[[Mapping[str, Any]], str | None]


def levels_are_defined_somewhere(draft: Draft) -> Iterator[SpecError]:
    """Every level has a cell in which it means something; a study without factors means something."""
    spec = draft.spec
    reasons = [(cell, spec.config_class.undefined(cell_values(spec, cell))) for cell in all_cells(spec)]
    if not spec.ablate and reasons[0][1]:
        yield draft.error(("fixed",), f"found an undefined combination: {reasons[0][1]}")
    for number, (name, levels) in enumerate(spec.ablate.items()):
        reasons_of: dict[tuple[bool, Value], list[str | None]] = {}
        for cell, reason in reasons:
            reasons_of.setdefault(distinct(cell.factors[number][1]), []).append(reason)
        for index, level in enumerate(levels):
            why = reasons_of[distinct(level)]
            if None not in why:
                text = f"found {shown(level)}, which is undefined in every cell: {why[0]}"
                yield draft.error(("ablate", name, index), text)


def choices_are_defined_somewhere(draft: Draft) -> Iterator[SpecError]:
    """Every cell has a choice left, and every choice a cell."""
    spec = draft.spec
    for name, domain in spec.tune.items():
        cells = [each for each in draft.cells if name in each.names]
        if not isinstance(domain, Choice | Grid) or not cells:
            continue
        left = [defined_values(spec, each.values, name) for each in cells]
        for each, values in zip(cells, left, strict=True):
            if not values:
                text = f"found no value that is defined in cell {each.cell.name}; allowed: at least one for every cell"
                yield draft.error(("tune", name, "values"), text)
        somewhere = {distinct(value) for values in left for value in values}
        for index, value in enumerate(domain.values()):
            if somewhere and distinct(value) not in somewhere:
                why = spec.config_class.undefined({**cells[0].values, name: value})
                text = f"found {shown(value)}, which is undefined in every cell: {why}"
                yield draft.error(("tune", name, "values", index), text)


def ranges_are_defined_everywhere(draft: Draft) -> Iterator[SpecError]:
    """The ends of a range mean something in every cell that searches it."""
    spec = draft.spec
    for name, domain in spec.tune.items():
        if not isinstance(domain, Uniform | LogUniform | Integer):
            continue
        for end, value in (("low", domain.low), ("high", domain.high)):
            for each in draft.cells:
                why = spec.config_class.undefined({**each.values, name: value}) if name in each.names else None
                if why:
                    text = f"found {shown(value)}, which is undefined in cell {each.cell.name}: {why}"
                    yield draft.error(("tune", name, end), text)
                    break


def hyperparameters_go_together(draft: Draft) -> Iterator[SpecError]:
    """No two hyperparameters have values that are undefined together: no sampler could keep them apart."""
    undefined, asked = draft.spec.config_class.undefined, itertools.count(1)
    reported: set[frozenset[str]] = set()
    for each in draft.cells:
        _, watched = watch(undefined, each.values)
        for first, second in itertools.combinations(each.space, 2):
            seen = [variable for variable in (first, second) if watched.seen(variable.name)]
            pair = frozenset({first.name, second.name})
            if not seen or pair in reported:
                continue
            for point in _points_that_differ(undefined, each.values, first, second, seen):
                if next(asked) > MAX_ASKED:
                    text = f"found more than {MAX_ASKED} combinations of values that may be undefined; allowed: fewer"
                    yield draft.error(("tune",), text)
                    return
                if why := undefined({**each.values, **point}):
                    reported.add(pair)
                    both = " with ".join(f"{name}={cut(format_value(value))}" for name, value in point.items())
                    text = f"found {both}, which is undefined: {why}; allowed: one of the two under ablate"
                    yield draft.error(("tune", second.name), text)
                    break


def _points_that_differ(
    undefined: Undefined, values: Mapping[str, Any], first: Variable, second: Variable, seen: Sequence[Variable]
) -> Iterator[dict[str, Value]]:
    """Points of both, one or both `seen` by `undefined`, without those that it cannot tell from another one."""
    if len(seen) == 2:
        yield from _points(first, second)
        return
    other = second if seen[0] is first else first
    for value in few_values(seen[0].domain):
        _, watched = watch(undefined, {**values, seen[0].name: value})
        points = _points(first, second, {seen[0].name: value})
        yield from points if watched.seen(other.name) else itertools.islice(points, 1)


def _points(
    first: Variable, second: Variable, decided: Mapping[str, Value] = MappingProxyType({})
) -> Iterator[dict[str, Value]]:
    options = ((decided[each.name],) if each.name in decided else few_values(each.domain) for each in (first, second))
    for one, other in itertools.product(*options):
        point = {first.name: one, second.name: other}
        if all(name not in point or contains(allowed, point[name]) for name, allowed in (*first.when, *second.when)):
            yield point


RULES = (
    levels_are_defined_somewhere,
    choices_are_defined_somewhere,
    ranges_are_defined_everywhere,
    hyperparameters_go_together,
)
