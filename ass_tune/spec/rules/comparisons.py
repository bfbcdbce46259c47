"""Rules about what is compared: `baseline:`, `compare:` and `control:` name factors and levels that are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ass_tune.spec.draft import Draft
from ass_tune.spec.errors import Path, SpecError, found, names, shown
from ass_tune.spec.model import ComparedPair
from ass_tune.spec.space import contains, distinct
from trainables.config import Value
from trainables.mistakes import nearest


def levels_are_those_of_factors(draft: Draft) -> Iterator[SpecError]:
    """Every name is a factor's, every value one of its levels."""
    spec = draft.spec
    named: list[tuple[Path, Mapping[str, Value]]] = [(("baseline",), spec.baseline), (("control",), spec.control)]
    for index, pair in enumerate(spec.compare.pairs or ()):
        named += [(("compare", "pairs", index, side), getattr(pair, side)) for side in ("ours", "theirs")]
    for path, levels in named:
        for factor, level in levels.items():
            yield from _known(draft, (*path, factor), factor, level)


def _known(draft: Draft, path: Path, factor: str, level: Value) -> Iterator[SpecError]:
    factors, levels = draft.declared("ablate"), draft.spec.ablate.get(factor)
    if factor not in factors:
        yield draft.error(path, f"not a factor; allowed: {names(factors)}{nearest(factor, factors)}")
    elif levels is not None and not contains(levels, level):
        yield draft.error(path, found(level, f"levels of ablate.{factor}: {names(levels)}", levels))


def pairs_have_two_sides(draft: Draft) -> Iterator[SpecError]:
    """No pair compares a cell with itself, and none is there twice, nor once in each direction."""
    first: dict[frozenset, int] = {}
    for index, pair in enumerate(draft.spec.compare.pairs or ()):
        path = ("compare", "pairs", index)
        ours, theirs = _sides(pair)
        if theirs <= ours:
            text = "found no level that differs from ours; allowed: at least one, all other factors are equal anyway"
            yield draft.error((*path, "theirs"), text)
        place = first.setdefault(frozenset({ours, theirs}), index)
        if place != index:
            yield draft.error(path, f"found a second time, first in place {place + 1} of the list; allowed: once")


def _sides(pair: ComparedPair) -> tuple[frozenset, frozenset]:
    ours, theirs = (
        frozenset((factor, distinct(level)) for factor, level in side.items()) for side in (pair.ours, pair.theirs)
    )
    return ours, theirs


def a_control_controls_something(draft: Draft) -> Iterator[SpecError]:
    """The factors of a control have other levels too, and something is compared."""
    spec = draft.spec
    if {path[0] for path in draft.broken} & {"ablate", "baseline", "compare", "control"}:
        return
    for factor, level in spec.control.items():
        levels = spec.ablate.get(factor, ())
        if len(levels) == 1 and contains(levels, level):
            text = f"found {shown(level)}, the only level of ablate.{factor}; allowed: one of several levels"
            yield draft.error(("control", factor), text)
    if spec.control and not spec.baseline and spec.compare.pairs is None:
        text = "found a control, but nothing that is compared; allowed: with baseline or compare.pairs"
        yield draft.error(("control",), text)


def a_design_varies_the_factors_of_the_baseline(draft: Draft) -> Iterator[SpecError]:
    """A design of single factors has a baseline, whole methods have two levels, and a control stays with its cell."""
    spec, path = draft.spec, ("design",)
    if spec.design == "product" or {path[0] for path in draft.broken} & {"ablate", "baseline", "control", "design"}:
        return
    if not spec.baseline:
        text = f"found {spec.design} without a baseline; allowed: product, or a baseline whose factors are varied"
        yield draft.error(path, text)
    for factor in spec.baseline:
        levels = spec.ablate.get(factor, ())
        if spec.design == "leave_one_out" and levels and len(levels) != 2:
            text = f"found leave_one_out, but ablate.{factor} has {len(levels)} level(s); allowed: two, the baseline's "
            yield draft.error(path, f"{text}and that of the whole method, or design: one_at_a_time")
        if factor in spec.control:
            text = f"found a level of {factor}, which the baseline names too, so that no cell but one has its control; "
            yield draft.error(("control", factor), f"{text}allowed: with design: product, or another factor")


RULES = (
    levels_are_those_of_factors,
    pairs_have_two_sides,
    a_control_controls_something,
    a_design_varies_the_factors_of_the_baseline,
)
