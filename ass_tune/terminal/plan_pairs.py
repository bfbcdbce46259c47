"""The lines of a plan that speak of cells in relation to others: left out as equal, and compared with each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from analysis.wording import count
from ass_tune.plan.study_plan import StudyPlan
from ass_tune.terminal.columns import level_pairs
from trainables.config import Value

Levels = Mapping[str, Value]

MOST_LINES = 12
"""Of more lines of primary comparisons the first are shown."""


def left_out_lines(plan: StudyPlan) -> list[str]:
    """A line for each undefined combination, and one for all that equal a cell for the same reason."""
    equal: dict[str, int] = {}
    lines = []
    for left in plan.left_out:
        if (same_as := left.get("same_as")) is None:
            lines.append(f"{left['cell']}: {left['reason']}")
        else:
            why = left["reason"].removeprefix(f"same as {same_as} because ")
            equal[why] = equal.get(why, 0) + 1
    return [*lines, *(f"{count(number, 'cell')} equal to another: {why}" for why, number in equal.items())]


def comparison_lines(plan: StudyPlan) -> list[tuple[str, str]]:
    """Labels and texts: primary comparisons that differ only in what both sides share are one line."""
    levels = {
        cell.cell: {factor: level for factor, level in cell.levels.items() if factor not in cell.idle}
        for cell in plan.cells
    }
    shared: dict[str, list[Levels]] = {}
    for pair in plan.comparisons:
        ours, theirs = levels[pair.ours], levels[pair.theirs]
        text = f"{_differing(ours, theirs)} over {_differing(theirs, ours)}"
        if pair.control is not None:
            text += f", and over its control {_differing(levels[pair.control], ours)}"
        both = {factor: level for factor, level in ours.items() if factor in theirs and level == theirs[factor]}
        shared.setdefault(text, []).append(both)
    made = [f"{text}{_at(both)}" for text, both in shared.items()]
    if (more := len(made) - MOST_LINES) > 0:
        made[MOST_LINES:] = [f"and {more} more, which --plan --json lists"]
    missing = [f"{pair.ours} over {pair.theirs}: {pair.reason}" for pair in plan.not_compared]
    return [*(("primary:", text) for text in made), *(("not compared:", text) for text in missing)]


def _differing(levels: Levels, other: Levels) -> str:
    differing = {factor: level for factor, level in levels.items() if factor not in other or level != other[factor]}
    return " ".join(level_pairs(differing))


def _at(shared: Sequence[Levels]) -> str:
    """E.g. `, at labels=5 | labels=20`: levels that vary among comparisons; of a single one all that are shared."""
    varying = [factor for factor in shared[0] if len({both.get(factor) for both in shared}) > 1]
    factors: Iterable[str] = varying or shared[0]
    texts = [" ".join(level_pairs({factor: both[factor] for factor in factors})) for both in shared if both]
    return f", at {' | '.join(texts)}" if texts else ""
