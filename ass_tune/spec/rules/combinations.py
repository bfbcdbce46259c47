"""Rules about what the values mean together: combinations that the trainable says are undefined."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from ass_tune.spec.draft import Draft
from ass_tune.spec.errors import SpecError, shown
from ass_tune.spec.hyperparameters import Choice, Grid, Integer, LogUniform, Uniform
from ass_tune.spec.model import StudySpec
from ass_tune.spec.space import Variable, all_cells, cell_space, cell_values, contains, defined_values, few_values, same
from ass_tune.trial import Cell, format_value
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
        if not isinstance(domain, Choice | Grid):
            continue
        known = [cell_values(spec, cell) for cell in _cells_with(spec, name)]
        left = [defined_values(spec, values, name) for values in known]
        for cell, values in zip(_cells_with(spec, name), left, strict=True):
            if not values:
                text = f"found no value that is defined in cell {cell.name}; allowed: at least one for every cell"
                yield draft.error(("tune", name, "values"), text)
        for index, value in enumerate(domain.values()):
            if any(left) and not any(contains(values, value) for values in left):
                why = spec.config_class.undefined({**known[0], name: value})
                text = f"found {shown(value)}, which is undefined in every cell: {why}"
                yield draft.error(("tune", name, "values", index), text)


def ranges_are_defined_everywhere(draft: Draft) -> Iterator[SpecError]:
    """The ends of a range mean something in every cell that searches it."""
    spec = draft.spec
    for name, domain in spec.tune.items():
        if not isinstance(domain, Uniform | LogUniform | Integer):
            continue
        for end, value in (("low", domain.low), ("high", domain.high)):
            for cell in _cells_with(spec, name):
                if why := spec.config_class.undefined({**cell_values(spec, cell), name: value}):
                    text = f"found {value!r}, which is undefined in cell {cell.name}: {why}"
                    yield draft.error(("tune", name, end), text)
                    break


def hyperparameters_go_together(draft: Draft) -> Iterator[SpecError]:
    """No two hyperparameters have values that are undefined together: no sampler could keep them apart."""
    spec, reported = draft.spec, set()
    for cell in _defined_cells(spec):
        values = cell_values(spec, cell)
        for first, second in itertools.combinations(cell_space(spec, cell), 2):
            pair = frozenset({first.name, second.name})
            for point in _points_of_both(first, second) if pair not in reported else ():
                if why := spec.config_class.undefined({**values, **point}):
                    reported.add(pair)
                    both = " with ".join(f"{name}={format_value(value)}" for name, value in point.items())
                    text = f"found {both}, which is undefined: {why}; allowed: one of the two under ablate"
                    yield draft.error(("tune", list(point)[-1]), text)
                    break


def _points_of_both(first: Variable, second: Variable) -> Iterator[dict[str, Value]]:
    for one, other in itertools.product(few_values(first.domain), few_values(second.domain)):
        point = {first.name: one, second.name: other}
        if all(name not in point or contains(allowed, point[name]) for name, allowed in (*first.when, *second.when)):
            yield point


def _defined_cells(spec: StudySpec) -> list[Cell]:
    return [cell for cell in all_cells(spec) if spec.config_class.undefined(cell_values(spec, cell)) is None]


def _cells_with(spec: StudySpec, name: str) -> list[Cell]:
    """Defined cells in which a hyperparameter is searched."""
    return [cell for cell in _defined_cells(spec) if any(name == variable.name for variable in cell_space(spec, cell))]


RULES = (
    levels_are_defined_somewhere,
    choices_are_defined_somewhere,
    ranges_are_defined_everywhere,
    hyperparameters_go_together,
)
