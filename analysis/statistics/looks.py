"""Several looks at one comparison, each paid for: levels at which 5% is the error over all looks together.

A comparison is looked at after some seeds, then after each further one. The error that may be made until a look is
given by a spending function of the share of seeds that are there (Lan and DeMets, 1983). The level of each look follows
exactly for the t statistic of paired differences, by recursive numerical integration as in Armitage, McPherson and Rowe
(1969). An interval with a look's level belongs to a sequence of repeated confidence intervals (Jennison and Turnbull,
1989): whatever made somebody stop, all of them hold together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import optimize, special

SPENDING_POWER = 2.0
"""The error spent is a power of the share of seeds (Kim and DeMets, 1987): 1 spends evenly, 3 nearly as O'Brien and
Fleming. `benchmarks.decide` compares them by the runs that are needed."""
BINS = 80
"""Of half the distribution of what has not stopped. Three times as many change no level by more than 0.5%."""
TOTALS = np.geomspace(1e-5, 0.5, 16)
"""Errors over all looks that levels are computed for; between them they are interpolated."""


@dataclass(frozen=True)
class Looks:
    """When a comparison is looked at.

    Attributes:
        first: seeds at the first look, at least 2.
        last: seeds at the last one; there is one look for each number of seeds in between.
        power: of the spending function.
    """

    first: int
    last: int
    power: float = SPENDING_POWER

    @property
    def seeds(self) -> range:
        """Numbers of seeds at which there is a look."""
        return range(self.first, self.last + 1)

    def at(self, seeds: int) -> Look:
        """The look at so many seeds. Raises ValueError where there is none."""
        if seeds not in self.seeds:
            raise ValueError(f"no look at {seeds} seeds: the first is at {self.first}, the last at {self.last}")
        return Look(self, seeds)


@dataclass(frozen=True)
class Look:
    """One of several looks."""

    looks: Looks
    seeds: int

    def level(self, total: float) -> float:
        """The p-value below which a comparison is significant at this look, with an error `total` over all looks."""
        levels = _levels_of_totals(self.looks)[:, self.seeds - self.looks.first]
        return float(np.exp(np.interp(np.log(total), np.log(TOTALS), np.log(levels))))

    def total(self, p: float) -> float:
        """The error over all looks with which a p-value is just significant at this one; 1 where that is over 50%."""
        levels = _levels_of_totals(self.looks)[:, self.seeds - self.looks.first]
        if p != p or p <= 0:
            return p
        if p > levels[-1]:
            return 1.0
        if p < levels[0]:  # far below, both fall alike
            return float(p * TOTALS[0] / levels[0])
        return float(np.exp(np.interp(np.log(p), np.log(levels), np.log(TOTALS))))


@lru_cache(64)
def _levels_of_totals(looks: Looks) -> np.ndarray:
    """Levels (totals, looks)."""
    return np.array([levels_of(looks, float(total)) for total in TOTALS])


@lru_cache(512)
def levels_of(looks: Looks, total: float) -> tuple[float, ...]:
    """The level of each look, so that the probability of a p-value below any of them is `total` where nothing differs.

    Paired differences of seeds are normal with an unknown variance, which is estimated from these differences alone.
    """
    return tuple(_levels(looks, total))


def _levels(looks: Looks, total: float) -> Iterator[float]:
    nodes = masses = np.zeros(0)
    spent = 0.0
    for n in looks.seeds:
        now = total * (n / looks.last) ** looks.power
        beyond = _Next(n, nodes, masses) if nodes.size else _Null(n)
        level = beyond.level(now - spent)
        yield level
        spent = now
        edges = _edges(n, level)
        nodes, masses = _middles(n, edges), beyond.masses(edges)


class _Null:
    """The distribution of u = sum / sqrt(n x sum of squares), the share of its direction, of n differences.

    Its square follows a beta distribution, and t = sqrt(n - 1) u / sqrt(1 - u²).
    """

    def __init__(self, n: int) -> None:
        self._n = n

    def level(self, error: float) -> float:
        return error

    def masses(self, edges: np.ndarray) -> np.ndarray:
        """Probabilities of |u| between edges."""
        return -np.diff(_p_of(self._n, edges))


class _Next:
    """The distribution of |u| of n differences, where |u| of n - 1 has some nodes with probabilities.

    The direction of differences is independent of their length, so that u alone says what the next one may be: given u,
    the next difference over the length of the earlier ones follows a t distribution with n - 1 degrees of freedom.
    """

    def __init__(self, n: int, nodes: np.ndarray, masses: np.ndarray) -> None:
        self._n, self._sums, self._masses = n, np.sqrt(n - 1) * nodes, masses

    def beyond(self, edge: np.ndarray) -> np.ndarray:
        """Probabilities (edges,) of |u| beyond edges, in the part that has not stopped."""
        limit = edge[:, None] ** 2 * self._n
        # |sum + w| > edge sqrt(n (1 + w²)): a quadratic in w
        square, root = 1 - limit, limit * (self._sums**2 + 1 - limit)
        halves = np.sqrt(np.maximum(root, 0))
        with np.errstate(divide="ignore", invalid="ignore"):
            ends = np.sort(np.stack([(-self._sums - halves) / square, (-self._sums + halves) / square]), axis=0)
        df = self._n - 1
        inside = special.stdtr(df, ends[1] * np.sqrt(df)) - special.stdtr(df, ends[0] * np.sqrt(df))
        found = np.where(square < 0, np.where(root > 0, inside, 0.0), np.where(root > 0, 1 - inside, 1.0))
        return found @ self._masses

    def level(self, error: float) -> float:
        def too_much(log_level: float) -> float:
            return float(self.beyond(_u_of(self._n, np.exp([log_level])))[0]) - error

        found = optimize.brentq(too_much, np.log(error * 1e-3), np.log(0.9999), xtol=1e-9)
        assert isinstance(found, float)
        return float(np.exp(found))

    def masses(self, edges: np.ndarray) -> np.ndarray:
        return -np.diff(self.beyond(edges))


def _p_of(n: int, u: np.ndarray) -> np.ndarray:
    """Two-sided p-value of a t test of n differences."""
    return special.betainc((n - 1) / 2, 0.5, 1 - u**2)


def _u_of(n: int, p: np.ndarray) -> np.ndarray:
    return np.sqrt(1 - special.betaincinv((n - 1) / 2, 0.5, p))


def _edges(n: int, level: float) -> np.ndarray:
    """From 0 to where a comparison stops, in equal steps of a standard normal deviate."""
    z = np.linspace(0, -special.ndtri(level / 2), BINS + 1)
    return _u_of(n, 2 * special.ndtr(-z))


def _middles(n: int, edges: np.ndarray) -> np.ndarray:
    z = -special.ndtri(_p_of(n, edges) / 2)
    return _u_of(n, 2 * special.ndtr(-(z[1:] + z[:-1]) / 2))
