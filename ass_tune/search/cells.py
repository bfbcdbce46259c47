"""From a search-space file to the cells of its table, each with the space that is searched in it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ass_tune.spec.model import StudySpec
from ass_tune.spec.space import MAX_POINTS, Variable, all_cells, cell_space, cell_values, distinct
from trainables.config import Value
from trainables.words import ANY, Cell, format_value


@dataclass(frozen=True)
class CellPlan:
    """One cell of the study and what it will cost in trials."""

    cell: Cell
    space: tuple[Variable, ...]
    """Hyperparameters searched in the cell, each after those its conditions name."""
    points: int | None
    """Number of distinct points of the space; None if it is infinite."""
    configurations: int
    """How many the search tries; 0 where there is only one, which needs no search."""
    train_seeds: tuple[int, ...]
    """Seeds that search: the first one tries all configurations, each later one those that finished under the last."""
    replicate_seeds: tuple[int, ...]
    """Seeds under which the chosen configuration is trained for the table."""
    further_seeds: tuple[int, ...] = ()
    """Those that may be added one after the other, until what the cell is compared with is decided."""
    finalists: int | None = None
    """How many configurations, the best ones, are trained under later seeds that search; None for all that finish."""
    idle: tuple[str, ...] = ()
    """Factors whose level has no effect in the cell."""

    @property
    def shown(self) -> dict[str, Value]:
        """The levels as tables show them: those without effect as `any`."""
        return {factor: ANY if factor in self.idle else level for factor, level in self.cell.factors}

    @property
    def tuning_trials(self) -> int:
        """How many the search has if no configuration is pruned or fails."""
        return self.trials_if_left(self.configurations)

    def trials_if_left(self, left: int) -> int:
        """How many tuning trials the search has if so many configurations finish under the first seed."""
        finalists = left if self.finalists is None else min(self.finalists, left)
        return self.configurations + finalists * (len(self.train_seeds) - 1)

    @property
    def replicates(self) -> int:
        """Trainings of the chosen configuration, at least."""
        return len(self.replicate_seeds)

    @property
    def most_replicates(self) -> int:
        """Trainings of the chosen configuration if all further seeds are added."""
        return self.replicates + len(self.further_seeds)

    def seeds_after(self, seed: int) -> tuple[int, ...]:
        """The seeds that search after this one; none after a seed that does not search."""
        return self.train_seeds[self.train_seeds.index(seed) + 1 :] if seed in self.train_seeds else ()


@dataclass(frozen=True)
class LeftOut:
    """A combination of levels that is not trained, and why."""

    cell: Cell
    reason: str
    same_as: Cell | None = None
    """The cell whose result is also this one's; None for a cell that is undefined."""


def cells(spec: StudySpec) -> tuple[list[CellPlan], list[LeftOut]]:
    """Every combination of factor levels in file order, split into those to train and those left out.

    Left out are undefined combinations, and those that differ from an earlier one only where it has no effect.
    """
    plans: dict[str, CellPlan] = {}
    points: dict[str, int | None] = {}
    left_out: list[LeftOut] = []
    for cell in all_cells(spec):
        values = cell_values(spec, cell)
        if (why := spec.config_class.undefined(values)) is not None:
            left_out.append(LeftOut(cell, f"undefined: {why}"))
            continue
        space = cell_space(spec, cell)
        searched = repr(space)
        content = _content(spec, values, searched)
        if content in plans:
            first = plans[content].cell
            left_out.append(LeftOut(cell, f"same as {first.name} because {_idle(spec, cell, first)}", first))
        else:
            if searched not in points:
                points[searched] = count_points(space)
            plans[content] = _plan(spec, cell, space, points[searched])
    return [replace(plan, idle=_idle_factors(plan.cell, left_out)) for plan in plans.values()], left_out


def _idle_factors(cell: Cell, left_out: Sequence[LeftOut]) -> tuple[str, ...]:
    """Factors of which all other levels were left out as the same."""
    same = [left.cell for left in left_out if left.same_as == cell]
    differing = [[factor for factor, level in cell.factors if other.level(factor) != level] for other in same]
    alone = {factors[0] for factors in differing if len(factors) == 1}
    return tuple(factor for factor, _ in cell.factors if factor in alone)


def grid_points(space: Sequence[Variable]) -> Iterator[dict[str, Value]]:
    """Every point of a finite space in file order, the last variable changing fastest.

    A variable whose conditions do not hold is absent from the point. Raises ValueError for a continuous variable.
    """
    yield from _points(tuple(space), {})


def _points(space: tuple[Variable, ...], chosen: dict[str, Value]) -> Iterator[dict[str, Value]]:
    if not space:
        yield dict(chosen)
        return
    variable, rest = space[0], space[1:]
    if not variable.active(chosen):
        yield from _points(rest, chosen)
        return
    if (values := variable.domain.values()) is None:
        raise ValueError(f"{variable.name} is continuous and has no grid")
    for value in values:
        yield from _points(rest, {**chosen, variable.name: value})


def count_points(space: Sequence[Variable]) -> int | None:
    """Number of points of a space; None if it is continuous or too large to enumerate."""
    sizes: list[int] = []
    for variable in space:
        if (values := variable.domain.values()) is None:
            return None
        sizes.append(len(values))
    if math.prod(sizes) > MAX_POINTS:
        return None
    return _count(tuple(space), {})


def _count(space: tuple[Variable, ...], chosen: dict[str, Value]) -> int:
    """Count the points; values that no later condition distinguishes are counted together."""
    if not space:
        return 1
    variable, rest = space[0], space[1:]
    if not variable.active(chosen):
        return _count(rest, chosen)
    values = variable.domain.values() or ()
    conditions = [
        set(map(distinct, allowed)) for later in rest for name, allowed in later.when if name == variable.name
    ]
    if not conditions:
        return len(values) * _count(rest, chosen)
    alike: dict[tuple[bool, ...], list[Value]] = {}
    for value in values:
        alike.setdefault(tuple(distinct(value) in allowed for allowed in conditions), []).append(value)
    return sum(len(group) * _count(rest, {**chosen, variable.name: group[0]}) for group in alike.values())


def _plan(spec: StudySpec, cell: Cell, space: tuple[Variable, ...], points: int | None) -> CellPlan:
    searching, table = spec.train_seeds, spec.replicate.seeds
    further = spec.replicate.table[len(table) :]
    if points == 1:
        return CellPlan(cell, space, points, 0, searching, table, further)
    budget = spec.search.trials_per_cell
    configurations = min(number for number in (budget, points) if number is not None)
    # under `protocol: paper` the trial that was chosen is itself the table's first
    fresh = tuple(seed for seed in table if seed not in searching)
    return CellPlan(cell, space, points, configurations, searching, fresh, further, spec.search.finalists)


def _content(spec: StudySpec, values: Mapping[str, Any], searched: str) -> str:
    inert = spec.config_class.inert(values)
    effective = {name: value for name, value in values.items() if name not in inert}
    return json.dumps([effective, searched], sort_keys=True, default=str)


def _idle(spec: StudySpec, cell: Cell, first: Cell) -> str:
    """E.g. `lr_sd has no effect with adaptor=joint`."""
    differing = [name for name, level in cell.factors if first.level(name) != level]
    common = {name: level for name, level in cell.factors if name not in differing}
    alone = [name for name, level in common.items() if set(differing) <= spec.config_class.inert({name: level})]
    causes = ", ".join(f"{name}={format_value(common[name])}" for name in alone[:1] or common)
    return f"{' and '.join(differing)} {'has' if len(differing) == 1 else 'have'} no effect" + (
        f" with {causes}" if causes else ""
    )
