"""Rules about what the values mean together: combinations that the trainable says are undefined."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from ass_tune.spec.draft import Draft
from ass_tune.spec.errors import SpecError, shown
from ass_tune.spec.hyperparameters import Choice, Grid, Integer, LogUniform, Uniform
from ass_tune.spec.space import Variable, all_cells, cell_values, contains, defined_values, few_values, same
from ass_tune.trial import format_value
from trainables.config import Value


def levels_are_defined_somewhere(draft: Draft) -> Iterator[SpecError]:
    """Every level has a cell in which it means something; a study without factors means something."""
    spec = draft.spec
    reasons = [(cell, spec.config_class.undefined(cell_values(spec, cell))) for cell in all_cells(spec)]
    if not spec.ablate and reasons[0][1]:
        yield draft.error(("fixed",), f"found an undefined combination: {reasons[0][1]}")
    for name, levels in spec.ablate.items():
        for index, level in enumerate(levels):
            why = [reason for cell, reason in reasons if same(cell.level(name), level)]
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
        for index, value in enumerate(domain.values()):
            if any(left) and not any(contains(values, value) for values in left):
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
    reported: set[frozenset[str]] = set()
    for each in draft.cells:
        for first, second in itertools.combinations(each.space, 2):
            pair = frozenset({first.name, second.name})
            for point in _points_of_both(first, second) if pair not in reported else ():
                if why := draft.spec.config_class.undefined({**each.values, **point}):
                    reported.add(pair)
                    both = " with ".join(f"{name}={format_value(value)}" for name, value in point.items())
                    text = f"found {both}, which is undefined: {why}; allowed: one of the two under ablate"
                    yield draft.error(("tune", second.name), text)
                    break


def _points_of_both(first: Variable, second: Variable) -> Iterator[dict[str, Value]]:
    for one, other in itertools.product(few_values(first.domain), few_values(second.domain)):
        point = {first.name: one, second.name: other}
        if all(name not in point or contains(allowed, point[name]) for name, allowed in (*first.when, *second.when)):
            yield point


RULES = (
    levels_are_defined_somewhere,
    choices_are_defined_somewhere,
    ranges_are_defined_everywhere,
    hyperparameters_go_together,
)
