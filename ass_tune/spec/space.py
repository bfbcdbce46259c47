"""What is searched in a cell: its hyperparameters, their conditions and their defined values."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ass_tune.spec.hyperparameters import Choice, Grid, Hyperparameter
from ass_tune.spec.model import TUNED, StudySpec
from ass_tune.spec.watched import watch
from trainables.config import Value
from trainables.words import Cell

MAX_VALUES = 100
"""An integer range of more values is not checked value by value; a list cannot have more."""

MAX_POINTS = 10_000
"""A space of more points is not enumerated; it counts as infinite."""


@dataclass(frozen=True)
class Variable:
    """A hyperparameter as it is searched in one cell."""

    name: str
    domain: Hyperparameter
    when: tuple[tuple[str, tuple[Value, ...]], ...] = ()
    """Conditions on other hyperparameters of the space; those on factors are already resolved."""

    def active(self, chosen: Mapping[str, Value]) -> bool:
        """Whether the variable is to be given a value, given those of the variables before it."""
        return all(name in chosen and contains(values, chosen[name]) for name, values in self.when)


def contains(values: Iterable[Value], value: Value) -> bool:
    """`in`, except that true and 1 are different."""
    return any(distinct(other) == distinct(value) for other in values)


def distinct(value: Value) -> tuple[bool, Value]:
    """Equal for values that are equal in a file: 1 is 1.0, but true is not 1."""
    return isinstance(value, bool), value


def all_cells(spec: StudySpec) -> Iterator[Cell]:
    """Every combination of factor levels that the design has, in file order, the last factor changing fastest."""
    for places in sorted({places for varied in _designed(spec) for places in itertools.product(*varied)}):
        chosen = zip(spec.ablate.items(), places, strict=True)
        yield Cell(tuple((name, levels[place]) for (name, levels), place in chosen))


def count_cells(spec: StudySpec) -> int:
    """At least as many as `all_cells` has, without making them."""
    return sum(math.prod(map(len, varied)) for varied in _designed(spec))


def reference_levels(spec: StudySpec) -> dict[str, Value]:
    """The levels that gains are measured against: the baseline's, under leave_one_out those of the whole method."""
    if spec.design != "leave_one_out":
        return spec.baseline
    return {
        name: next((other for other in spec.ablate.get(name, ()) if distinct(other) != distinct(level)), level)
        for name, level in spec.baseline.items()
    }


def _designed(spec: StudySpec) -> list[list[Sequence[int]]]:
    """Places of the levels of each factor, all combinations of which are cells; several such lists for some designs."""
    everything: list[Sequence[int]] = [range(len(levels)) for levels in spec.ablate.values()]
    if spec.design == "product":
        return [everything]
    reference, alone = reference_levels(spec), list(everything)
    for number, (name, levels) in enumerate(spec.ablate.items()):
        if name in reference:
            alone[number] = [at for at, level in enumerate(levels) if distinct(level) == distinct(reference[name])]
    named = [number for number, name in enumerate(spec.ablate) if name in reference]
    varied = [[*alone[:number], everything[number], *alone[number + 1 :]] for number in named]
    return varied or [alone]


def tuned_names(spec: StudySpec, cell: Cell) -> tuple[str, ...]:
    """Hyperparameters that the cell does not set itself, in file order."""
    levels = dict(cell.factors)
    return tuple(name for name in spec.tune if levels.get(name, TUNED) == TUNED)


def values_without_tuning(spec: StudySpec, cell: Cell) -> dict[str, Any]:
    """The values of a cell's trials before any hyperparameter is chosen.

    Each source overrides the ones before it: the defaults of the class, the profile, `fixed:`, the cell's levels and
    what the study itself sets.
    """
    fields = spec.config_class.model_fields
    own = {name: fields[name].default for name in spec.config_class.tunable() if not fields[name].is_required()}
    levels = {name: level for name, level in cell.factors if level != TUNED}
    return {**own, **spec.config_class.profiles()[spec.profile], **spec.fixed, **levels, **spec.reserved}


def cell_values(spec: StudySpec, cell: Cell) -> dict[str, Any]:
    """The values that all trials of a cell have in common: those without tuning, less what is tuned in the cell."""
    tuned = tuned_names(spec, cell)
    return {name: value for name, value in values_without_tuning(spec, cell).items() if name not in tuned}


def cell_space(spec: StudySpec, cell: Cell) -> tuple[Variable, ...]:
    """The hyperparameters with an effect in the cell, each after those it depends on.

    Dropped are those whose `when:` the cell rules out and those without effect in it. Choices that are undefined
    in the cell are left out. A hyperparameter that only some values of another leave without effect gets a
    condition on that other one, so that two points of the space are not the same trial.
    """
    values = cell_values(spec, cell)
    inert, watched = watch(spec.config_class.inert, values)
    variables: dict[str, Variable] = {}
    for name in _parents_first({name: tuple(spec.tune[name].when) for name in tuned_names(spec, cell)}):
        when = _conditions(spec, cell, name, variables)
        if when is not None and name not in inert:
            variables[name] = Variable(name, _defined(spec, values, name), when)
    _add_implied_conditions(spec, values, variables, [name for name in variables if watched.seen(name)])
    ordered = _parents_first({name: tuple(dict(variable.when)) for name, variable in variables.items()})
    return tuple(variables[name] for name in ordered)


def defined_values(spec: StudySpec, values: Mapping[str, Any], name: str) -> list[Value]:
    """The values of a finite hyperparameter that are defined together with `values`."""
    undefined, options = spec.config_class.undefined, spec.tune[name].values() or ()
    why, watched = watch(undefined, values)
    if not watched.seen(name):
        return list(options) if why is None else []
    return [value for value in options if undefined({**values, name: value}) is None]


def _defined(spec: StudySpec, values: Mapping[str, Any], name: str) -> Hyperparameter:
    domain = spec.tune[name].model_copy(update={"when": {}})
    if not isinstance(domain, Choice | Grid):
        return domain
    return domain.model_copy(update={"values_": tuple(defined_values(spec, values, name))})


def _parents_first(parents: Mapping[str, Sequence[str]]) -> list[str]:
    """The names in their order, except that a name comes after its parents."""
    ordered: list[str] = []

    def visit(name: str) -> None:
        if name in parents and name not in ordered:
            for parent in parents[name]:
                visit(parent)
            ordered.append(name)

    for name in parents:
        visit(name)
    return ordered


def _conditions(
    spec: StudySpec, cell: Cell, name: str, before: Mapping[str, Variable]
) -> tuple[tuple[str, tuple[Value, ...]], ...] | None:
    """The conditions of `when:` that the cell's levels leave open; None if they rule the hyperparameter out."""
    levels, left = dict(cell.factors), []
    for other, allowed in spec.tune[name].when.items():
        if other in levels and contains(allowed, levels[other]):
            continue
        if levels.get(other, TUNED) != TUNED or other not in before:
            return None
        left.append((other, allowed))
    return tuple(left)


def _add_implied_conditions(
    spec: StudySpec, values: Mapping[str, Any], variables: dict[str, Variable], parents: Sequence[str]
) -> None:
    """Turn "no effect for some values of a parent" into conditions, and drop what never has one."""
    inert_given = spec.config_class.inert
    for parent in parents:
        if parent not in variables or variables[parent].when:
            continue
        options = few_values(variables[parent].domain)
        inert = [(option, inert_given({**values, parent: option})) for option in options]
        for name, variable in list(variables.items()):
            effective = tuple(option for option, without in inert if name not in without)
            if name == parent or parent in dict(variable.when) or len(effective) == len(options):
                continue
            if effective:
                variables[name] = Variable(name, variable.domain, (*variable.when, (parent, effective)))
            else:
                del variables[name]


def few_values(domain: Hyperparameter) -> Sequence[Value]:
    """The values of a finite hyperparameter if there are few enough to check one by one, else nothing."""
    values = domain.values()
    return values if values is not None and len(values) <= MAX_VALUES else ()


@dataclass(frozen=True)
class SearchedCell:
    """A defined cell with the values that its trials have in common and the space that is searched in it."""

    cell: Cell
    values: Mapping[str, Any]
    space: tuple[Variable, ...]

    @cached_property
    def names(self) -> set[str]:
        """Names of the hyperparameters that are searched."""
        return {variable.name for variable in self.space}


def searched_cells(spec: StudySpec) -> list[SearchedCell]:
    """The defined cells in file order."""
    known = [(cell, cell_values(spec, cell)) for cell in all_cells(spec)]
    defined = [(cell, values) for cell, values in known if spec.config_class.undefined(values) is None]
    return [SearchedCell(cell, values, cell_space(spec, cell)) for cell, values in defined]
