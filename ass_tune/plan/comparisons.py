"""Which cells a study compares: its primary comparisons, each with the control that a gain must also beat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from ass_tune.search.cells import LeftOut
from ass_tune.spec import StudySpec
from ass_tune.spec.model import ComparedPair
from ass_tune.spec.space import all_cells, distinct, reference_levels
from trainables.config import Value
from trainables.words import Cell


class PlannedComparison(BaseModel):
    """A primary comparison, by the names of its cells."""

    model_config = ConfigDict(frozen=True)

    ours: str
    """The cell that may be better."""
    theirs: str
    control: str | None
    """What `ours` must beat as well; None where there is no control, or where its levels change nothing in `ours`."""


class NotCompared(BaseModel):
    """A primary comparison that the file asks for and that cannot be made."""

    model_config = ConfigDict(frozen=True)

    ours: str
    theirs: str
    reason: str


def primary_comparisons(
    spec: StudySpec, kept: Sequence[Cell], left_out: Sequence[LeftOut]
) -> tuple[tuple[PlannedComparison, ...], tuple[NotCompared, ...]]:
    """What the file's `compare:` means in this study: the comparisons that can be made, each once, and the others.

    Args:
        spec: the study.
        kept: its cells.
        left_out: combinations of levels that are not trained; one that equals a cell is compared as that cell.
    """
    cells = _Cells(spec, kept, left_out)
    made: dict[tuple[str, str], PlannedComparison] = {}
    missing: dict[tuple[str, str], NotCompared] = {}
    for combination, other in _asked(spec, cells):
        ours, theirs = cells.find(combination), cells.find(other)
        names = (combination.name, other.name)
        if ours is None or theirs is None:
            missing[names] = NotCompared(ours=names[0], theirs=names[1], reason=cells.why_not(combination, other))
        elif ours != theirs:
            compared = PlannedComparison(ours=ours.name, theirs=theirs.name, control=cells.control(ours, theirs))
            made.setdefault((ours.name, theirs.name), compared)
    return tuple(made.values()), tuple(missing.values())


def _asked(spec: StudySpec, cells: _Cells) -> Iterator[tuple[Cell, Cell]]:
    """Both sides of each comparison as combinations of levels; a control is compared only where the file says so."""
    if spec.compare.pairs is not None:
        for pair in spec.compare.pairs:
            yield from _of_pair(spec, cells, pair)
    elif spec.baseline:
        reference = reference_levels(spec)
        for cell in cells.kept:
            if not cells.is_control(cell):
                yield cell, cells.at(cell, reference)


def _of_pair(spec: StudySpec, cells: _Cells, pair: ComparedPair) -> Iterator[tuple[Cell, Cell]]:
    names_control = bool(pair.ours.keys() & spec.control.keys())
    for cell in all_cells(spec):
        matches = all(distinct(cell.level(factor)) == distinct(level) for factor, level in pair.ours.items())
        if matches and (names_control or not cells.is_control(cell)):
            yield cell, cells.at(cell, pair.theirs)


class _Cells:
    """The cells of a study, found by any combination of levels."""

    def __init__(self, spec: StudySpec, kept: Sequence[Cell], left_out: Sequence[LeftOut]) -> None:
        self.kept = kept
        self._spec = spec
        self._by_name = {cell.name: cell for cell in kept}
        self._by_name |= {left.cell.name: left.same_as for left in left_out if left.same_as is not None}
        self._reasons = {left.cell.name: left.reason for left in left_out if left.same_as is None}
        self._controls = {found for cell in kept if (found := self._controlled(cell)) is not None}

    def at(self, cell: Cell, levels: Mapping[str, Value]) -> Cell:
        """The combination that has these levels and the cell's other ones, written as under `ablate:`."""
        return Cell(tuple((name, self._own(name, levels.get(name, level))) for name, level in cell.factors))

    def find(self, combination: Cell) -> Cell | None:
        """The cell that is trained for a combination; None where it is undefined."""
        return self._by_name.get(combination.name)

    def is_control(self, combination: Cell) -> bool:
        """Whether it is the control of another cell, or would be one if it were defined."""
        found = self.find(combination)
        if found is not None:
            return found in self._controls
        return bool(self._spec.control) and self.at(combination, self._spec.control) == combination

    def why_not(self, *combinations: Cell) -> str:
        """Why combinations cannot be compared."""
        reasons = {each.name: self._reasons[each.name] for each in combinations if each.name in self._reasons}
        reasons |= {
            each.name: f"not in the design {self._spec.design}"
            for each in combinations
            if each.name not in self._by_name and each.name not in self._reasons
        }
        return "; ".join(f"{name} is {reason}" for name, reason in reasons.items())

    def control(self, ours: Cell, theirs: Cell) -> str | None:
        """The cell that a gain of `ours` must also beat, unless it is compared with it anyway."""
        control = self._controlled(ours)
        return None if control is None or control == theirs else control.name

    def _controlled(self, cell: Cell) -> Cell | None:
        found = self.find(self.at(cell, self._spec.control))
        return None if found == cell else found

    def _own(self, factor: str, level: Value) -> Value:
        """The file may say 0 where the level is 0.0."""
        return next(own for own in self._spec.ablate[factor] if distinct(own) == distinct(level))
