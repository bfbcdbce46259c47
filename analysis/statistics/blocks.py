"""Seeds as blocks: what is left of mIoU after cells and seeds, and whose variance may be pooled.

A randomized block design: within a group of cells (a labeled-image budget), mIoU is a mean of the cell, plus what the
seed does to all cells alike, plus a residual. Pairing by seed removes the second; the variance of the residual is what
training again would change. Pooled over cells it has many degrees of freedom where a single pair has two. A cell whose
residual spreads more than the others' keeps a variance of its own: pooling is only ever too careful for the others.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import special

LOUD, LOUD_SHARED, LOUD_GROUP = 2.5, 1.0, 2.5
"""Times the others' variance from which on a cell keeps its own, with its own few degrees of freedom. Less for a cell
that several comparisons share, since all of them would be wrong at once; and the same for a group. The simulation of
`benchmarks.inference` chose them."""
STRANGE = 0.01
"""Bonferroni-corrected p-value below which a cell's variance, large or small, is not pooled with the others' at all."""


@dataclass(frozen=True)
class Estimate:
    """A variance of one run's residual, in points squared; equal only to itself."""

    variance: float
    df: float

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


@dataclass(frozen=True)
class Squares:
    """Sum of squared residuals after cells and seeds, with its degrees of freedom."""

    total: float
    df: int

    @property
    def variance(self) -> float:
        """NaN without degrees of freedom."""
        return self.total / self.df if self.df > 0 else np.nan

    def __sub__(self, other: Squares) -> Squares:
        return Squares(max(self.total - other.total, 0.0), self.df - other.df)

    def __add__(self, other: Squares) -> Squares:
        return Squares(self.total + other.total, self.df + other.df)


@dataclass
class Group:
    """Cells whose runs share the luck of a seed."""

    name: Hashable
    rows: list[int]
    pool: list[int] = field(default_factory=list)
    """Rows whose residuals are pooled."""
    squares: Squares = Squares(0.0, 0)
    """Of the pool."""
    of_rows: dict[int, tuple[Squares, Squares]] = field(default_factory=dict)
    """What each cell adds to the squares of the others in the pool, and theirs."""


def residual_squares(mious: np.ndarray) -> Squares:
    """After a mean per cell and an effect per seed, by least squares; mIoU (cells, seeds), NaN without a run."""
    there = ~np.isnan(mious)
    if not there.any():
        return Squares(0.0, 0)
    if there.all():
        left = mious - mious.mean(axis=1, keepdims=True)
        left = left - left.mean(axis=0)
        return Squares(float((left**2).sum()), (mious.shape[0] - 1) * (mious.shape[1] - 1))
    cells, seeds = np.nonzero(there)
    design = np.zeros((len(cells), sum(mious.shape)))
    design[np.arange(len(cells)), cells] = 1
    design[np.arange(len(cells)), mious.shape[0] + seeds] = 1
    found, _, rank, _ = np.linalg.lstsq(design, mious[there], rcond=None)
    df = len(cells) - int(rank)
    return Squares(float(((mious[there] - design @ found) ** 2).sum()) if df else 0.0, df)


def own_and_others(mious: np.ndarray) -> list[tuple[Squares, Squares]]:
    """For each cell of (cells, seeds), what it adds to the squares of the other cells, and theirs.

    Both are independent, and where all variances are equal, so are their expectations.
    """
    cells, seeds = mious.shape
    everything = residual_squares(mious)
    if np.isnan(mious).any() or cells < 2 or not seeds:
        rest = [residual_squares(np.delete(mious, row, axis=0)) for row in range(cells)]
        return [(everything - others, others) for others in rest]
    left = mious - mious.mean(axis=1, keepdims=True)
    left = left - left.mean(axis=0)
    own = [Squares(float(square), seeds - 1) for square in (left**2).sum(axis=1) * cells / (cells - 1)]
    return [(one, everything - one) for one in own]


def variances(mious: np.ndarray, groups: Sequence[Hashable], shared: Sequence[bool]) -> list[Estimate | None]:
    """The variance that each cell's residual is given; None for a cell that shares no two seeds with another one.

    Args:
        mious: (cells, seeds), NaN where there is no run.
        groups: of each cell; seeds have effects of their own in each.
        shared: whether a cell is in more than one comparison.
    """
    of_groups = [
        Group(name, [row for row, other in enumerate(groups) if other == name]) for name in dict.fromkeys(groups)
    ]
    for group in of_groups:
        _fill_pool(group, mious)
    estimates: list[Estimate | None] = [None] * len(mious)
    for group, (squares, pooled) in zip(of_groups, _pooled(of_groups), strict=True):
        for row in group.rows:
            limit = LOUD_SHARED if shared[row] else LOUD
            estimates[row] = _of_cell(row, group, limit, squares, pooled)
    return estimates


def _fill_pool(group: Group, mious: np.ndarray) -> None:
    """All cells of the group but those whose variance is clearly another."""
    group.pool = list(group.rows)
    while len(group.pool) > 2:
        p = [_p_of_ratio(own, others) for own, others in own_and_others(mious[group.pool])]
        if min(p) * len(group.pool) >= STRANGE:
            break
        group.pool.pop(int(np.argmin(p)))
    group.squares = residual_squares(mious[group.pool])
    group.of_rows = dict(zip(group.pool, own_and_others(mious[group.pool]), strict=True))
    for row in set(group.rows) - set(group.pool):
        group.of_rows[row] = (residual_squares(mious[[*group.pool, row]]) - group.squares, group.squares)


def _p_of_ratio(own: Squares, others: Squares) -> float:
    """Two-sided, of the F test of a cell's variance against the others'; 1 where there is nothing to test."""
    if own.df < 1 or others.df < 1 or others.total == 0:
        return 1.0
    ratio = own.variance / others.variance
    return float(2 * min(special.fdtrc(own.df, others.df, ratio), special.fdtr(own.df, others.df, ratio)))


def _pooled(groups: Sequence[Group]) -> list[tuple[Squares, Estimate | None]]:
    """Per group the pooled squares and variance: of all groups, but of itself alone where it spreads more."""
    everything = sum((group.squares for group in groups), Squares(0.0, 0))
    of_all = (everything, _estimate(everything))
    found = []
    for group in groups:
        rest = everything - group.squares
        loud = rest.df > 0 and group.squares.df > 0 and group.squares.variance > LOUD_GROUP * rest.variance
        found.append((group.squares, _estimate(group.squares)) if loud else of_all)
    return found


def _estimate(squares: Squares) -> Estimate | None:
    return Estimate(squares.variance, squares.df) if squares.df > 0 else None


def _of_cell(row: int, group: Group, limit: float, squares: Squares, pooled: Estimate | None) -> Estimate | None:
    """The pooled variance, or where the cell spreads too much its own, which is then the larger one."""
    if pooled is None or len(group.rows) == 1:
        return None
    own, (inside, others) = group.of_rows[row][0], (row in group.pool, squares)
    if inside:
        others = squares - own
        # of two cells nobody can say which spreads; whether both do has been asked of the group
        if len(group.pool) == 2 or own.df < 1 or others.df < 1 or own.variance <= limit * others.variance:
            return pooled
    elif own.df < 1:
        return None
    cells = len(group.pool) - inside
    # a cell is seen against the mean of the others, which has a variance too
    variance = own.variance * (1 + 1 / cells) - pooled.variance / cells
    return Estimate(max(variance, 0.0), own.df)
