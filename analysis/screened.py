"""The order of screened configurations, the same for the driver that screens and for everybody who reads it later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trainables.objective import Objective


@dataclass(frozen=True)
class Screened:
    """What a screening says of a cell's configurations.

    Attributes:
        ranks: the places, from 0 on and in order, of those with a value at its first comparison.
        better_half: per comparison, those that go on to the next one; of the last comparison, the half of its own.
    """

    ranks: Mapping[str, int]
    better_half: tuple[frozenset[str], ...]


def screened(curves: Mapping[str, Mapping[int, float]], compared_at: Sequence[int], objective: Objective) -> Screened:
    """Compare configurations at the iterations of a screening.

    The better half of each comparison goes on to the next one, and is before all others. The value that another one has
    at a later comparison says nothing here: it got there after the screening.

    Args:
        curves: per configuration, by iteration, the objective on the select split; of equal ones the first is better.
        compared_at: iterations at which they are compared.
        objective: says whether more is better.
    """
    left, order, halves = frozenset(curves), list[str](), list[frozenset[str]]()
    for iteration in compared_at:
        reached = [name for name in curves if name in left and iteration in curves[name]]
        reached.sort(key=lambda name: -objective.sign * curves[name][iteration])
        order = [*reached, *(name for name in order if name not in reached)]
        left = frozenset(reached[: better_half(len(reached))])
        halves.append(left)
    return Screened({name: rank for rank, name in enumerate(order)}, tuple(halves))


def better_half(configurations: int) -> int:
    """How many of some configurations go on to the next comparison."""
    return (configurations + 1) // 2


def reports_to_compare(screen: int | Sequence[int]) -> tuple[int, ...]:
    """The reports after which configurations are compared, of `search.screen`: a number, several, or 0 for none."""
    if isinstance(screen, int):
        return (screen,) if screen else ()
    return tuple(screen)
