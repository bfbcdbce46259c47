"""One interval, one p-value and one verdict for every comparison of a study: numbers in, comparisons out.

`judge` takes the mIoU of each cell and seed, and where there are counts what each unit of images does to it. Seeds are
blocks (`blocks`), images are crossed with cells and seeds (`image_variance`), and all primary comparisons of a study
are corrected together (`simultaneous`). docs/inference.md has the model in words, and `python -m benchmarks.inference`
shows how often it errs.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
from scipy import special

from analysis.statistics.blocks import Estimate, residual_squares, variances
from analysis.statistics.image_variance import shared_by_images
from analysis.statistics.looks import Look
from analysis.statistics.simultaneous import Correction, Together

ALPHA = 0.05
"""Family-wise, over all primary comparisons of a study."""
MARGIN = 1.0
"""The smallest difference of interest, in mIoU points, where nobody names another."""
FEWEST_DF = 2.0
"""Of a variance from which a part was subtracted: fewer would make intervals endless where it is small by chance."""


class Verdict(StrEnum):
    """What may be said of a primary comparison."""

    BETTER = "better"
    WORSE = "worse"
    EQUIVALENT = "equivalent"
    """Whatever the difference is, it is smaller than the smallest one of interest."""
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Runs:
    """What is known of the runs of a table.

    Attributes:
        mious: report mIoU in percent, by cell and seed.
        budgets: of each cell, the group within which a seed's luck is shared and variances are pooled first; cells
            without an entry are one group.
        pulls: `analysis.statistics.image_variance.influences` by cell and seed, of the same units everywhere; runs
            without counts are left out.
    """

    mious: Mapping[str, Mapping[int, float]]
    budgets: Mapping[str, Hashable] = field(default_factory=dict)
    pulls: Mapping[str, Mapping[int, np.ndarray]] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """How much more mIoU one cell has than another on the report split, in points.

    Attributes:
        ours: name of the one cell.
        theirs: name of the other.
        seeds: those that both have, in order.
        gain: mean difference over these seeds; NaN without any.
        low: lower end of the 95% interval, for other seeds and other images; simultaneous over all primary comparisons,
            for the comparison alone where it is exploratory. NaN where nothing can be said.
        high: its upper end.
        p: corrected over all primary comparisons, and over all looks where there are several; NaN where exploratory.
        margin: the smallest difference of interest.
        df: degrees of freedom of the interval.
        seed_variance: of the gain, from training again, in points squared.
        seed_df: its degrees of freedom.
        image_variance: of the gain, from other images; None where a run kept no counts.
        primary: whether it was named before anything was trained.
        looked: seeds at the look that its interval is of, 0 before the first one; None where their number was fixed.
    """

    ours: str
    theirs: str
    seeds: tuple[int, ...]
    gain: float
    low: float
    high: float
    p: float
    margin: float
    df: float
    seed_variance: float
    seed_df: float
    image_variance: float | None
    primary: bool
    looked: int | None = None

    @property
    def verdict(self) -> Verdict | None:
        """From the interval alone; None for an exploratory comparison."""
        if not self.primary:
            return None
        if self.low > 0:
            return Verdict.BETTER
        if self.high < 0:
            return Verdict.WORSE
        return Verdict.EQUIVALENT if self.within_margin else Verdict.UNDECIDED

    @property
    def within_margin(self) -> bool:
        """Whether the whole interval is within the smallest difference of interest; also of a small, certain gain."""
        return -self.margin < self.low and self.high < self.margin

    @property
    def why_not_judged(self) -> str:
        """Why there is no interval; empty where there is one."""
        if not math.isnan(self.low):
            return ""
        if self.looked == 0:
            return "before its first look"
        return {0: "no seed in common", 1: "one seed"}.get(len(self.seeds), "no variance can be estimated")


def judge(
    runs: Runs,
    primary: Sequence[tuple[str, str]],
    exploratory: Sequence[tuple[str, str]] = (),
    margin: float = MARGIN,
    look: Look | None = None,
) -> list[Comparison]:
    """The primary comparisons, then the exploratory ones, in their order.

    Args:
        runs: of the whole table.
        primary: pairs of cells (ours, theirs), all that the study names, over all budgets.
        exploratory: other pairs, which get an interval of their own and no verdict.
        margin: the smallest difference of interest in points.
        look: which of several looks this is; intervals and p of primary comparisons then hold for all looks together.
            None for a number of seeds that was fixed before.

    Raises ValueError for a pair twice, and where runs were judged on different numbers of units.
    """
    pairs = [*primary, *exploratory]
    if len(set(pairs)) < len(pairs):
        raise ValueError("a comparison is named twice")
    design = _Design(runs, pairs, len(primary))
    certain = [number for number in range(len(primary)) if design.p[number] == design.p[number]]
    correction = Correction(design.families(certain))
    level = correction.level(ALPHA) if certain else ALPHA
    at_look = level if look is None else look.level(level)
    found = []
    for number in range(len(pairs)):
        is_primary = number < len(primary)
        own = design.p[number] if look is None else look.total(design.p[number])
        p = correction.adjusted(own) if is_primary else math.nan
        one = design.comparison(number, at_look if is_primary else ALPHA, p, margin, is_primary)
        found.append(one if look is None or not is_primary else replace(one, looked=look.seeds))
    return found


class _Design:
    """Gains of all pairs of a table, with their variances and covariances."""

    def __init__(self, runs: Runs, pairs: Sequence[tuple[str, str]], primary: int) -> None:
        self.pairs, self.primary = pairs, primary
        self.cells = list(dict.fromkeys([*runs.mious, *(cell for pair in pairs for cell in pair)]))
        self.seeds = sorted({seed for of_cell in runs.mious.values() for seed in of_cell})
        self.budgets = [runs.budgets.get(cell) for cell in self.cells]
        self.mious = np.full((len(self.cells), len(self.seeds)), np.nan)
        for row, cell in enumerate(self.cells):
            for seed, miou in runs.mious.get(cell, {}).items():
                self.mious[row, self.seeds.index(seed)] = miou
        self.sides = np.array([[self.cells.index(cell) for cell in pair] for pair in pairs], int).reshape(-1, 2)
        differences = self.mious[self.sides[:, 0]] - self.mious[self.sides[:, 1]]
        self.there = ~np.isnan(differences)
        self.n = self.there.sum(axis=1)
        self.gains = np.where(self.n > 0, np.nansum(differences, axis=1) / np.maximum(self.n, 1), np.nan)
        self._add_seeds()
        self._add_images(runs)
        self._test()

    def _add_seeds(self) -> None:
        """Sources of variance of each pair, and covariance of the pairs (pairs, pairs)."""
        used = np.bincount(self.sides[: self.primary].ravel(), minlength=len(self.cells)) > 1
        estimates = variances(self.mious, self.budgets, used.tolist())
        self.sources: list[dict[Estimate, float]] = []
        signs = np.zeros((len(self.pairs), len(self.cells)))
        for number, sides in enumerate(self.sides):
            parts = self._sources_of(number, [estimates[side] for side in sides])
            self.sources.append(parts)
            if len({self.budgets[side] for side in sides}) == 1:
                signs[number, sides] = 1, -1
        of_cells = np.array([found.variance if found else 0.0 for found in estimates])
        common = self.there.astype(float) @ self.there.T / np.maximum(np.outer(self.n, self.n), 1)
        self.covariance = (signs * of_cells) @ signs.T * common
        own = [sum(parts.values()) if parts else np.nan for parts in self.sources]
        np.fill_diagonal(self.covariance, own)

    def _sources_of(self, number: int, estimates: Sequence[Estimate | None]) -> dict[Estimate, float]:
        """Parts of the variance of a gain by the estimate that they come from; empty where there is none."""
        n, (ours, theirs) = int(self.n[number]), self.sides[number]
        if n < 2:
            return {}
        if self.budgets[ours] != self.budgets[theirs]:
            squares = residual_squares(self.mious[[ours, theirs]][:, self.there[number]])
            return {Estimate(squares.variance, squares.df): 2 * squares.variance / n}
        parts: dict[Estimate, float] = {}
        for estimate in estimates:
            if estimate is None:
                return {}
            parts[estimate] = parts.get(estimate, 0.0) + estimate.variance / n
        return parts

    def _add_images(self, runs: Runs) -> None:
        """Adds the covariance over images of the pairs whose runs all have counts."""
        self.image_variance = np.full(len(self.pairs), np.nan)
        self.image_sources: list[dict[Estimate, float]] = [{} for _ in self.pairs]
        units = _units(runs)
        if units < 2:
            return
        cells = np.full((*self.mious.shape, units), np.nan)
        for row, cell in enumerate(self.cells):
            for seed, of_run in runs.pulls.get(cell, {}).items():
                if seed in self.seeds:
                    cells[row, self.seeds.index(seed)] = of_run
        pulls = cells[self.sides[:, 0]] - cells[self.sides[:, 1]]
        has = np.flatnonzero((~np.isnan(pulls[:, :, 0]) == self.there).all(axis=1) & (self.n > 1))
        if not has.size:
            return
        found = shared_by_images(pulls[has])
        self.image_variance[has] = np.diag(found.covariance)
        self.covariance[np.ix_(has, has)] += found.covariance
        for number, between, within, df in zip(has, found.between, found.within, found.df.T, strict=True):
            self.image_sources[number] = {Estimate(between, df[0]): between, Estimate(within, df[1]): -within}

    def _test(self) -> None:
        """Degrees of freedom and p-values of each pair by itself."""
        self.df, self.p = np.full(len(self.pairs), np.nan), np.full(len(self.pairs), np.nan)
        for number, parts in enumerate(self.sources):
            total = self.covariance[number, number]
            if np.isnan(total):
                continue
            if total <= 0:
                self.df[number], self.p[number] = 1.0, float(self.gains[number] == 0)
                continue
            everything = {**parts, **self.image_sources[number]}
            self.df[number] = max(_satterthwaite(total, everything), min(FEWEST_DF, *(one.df for one in everything)))
            t = abs(self.gains[number]) / math.sqrt(total)
            self.p[number] = 2 * special.stdtr(self.df[number], -t)

    def families(self, numbers: Sequence[int]) -> list[Together]:
        """Pairs whose variance over seeds comes from the same estimates, with the correlation of their gains.

        Every pair has a variance over images of its own. The more of the total that is, the less do their errors have
        in common, and the more degrees of freedom has what they share.
        """
        by_sources: dict[frozenset[Estimate], list[int]] = {}
        for number in numbers:
            by_sources.setdefault(frozenset(self.sources[number]), []).append(number)
        found = []
        for members in by_sources.values():
            part = self.covariance[np.ix_(members, members)]
            deviations = np.sqrt(np.maximum(np.diag(part), 1e-300))
            correlation = part / np.outer(deviations, deviations)
            np.fill_diagonal(correlation, 1.0)
            shared = [_satterthwaite(self.covariance[number, number], self.sources[number]) for number in members]
            found.append(Together(correlation, float(np.median(shared))))
        return found

    def comparison(self, number: int, level: float, p: float, margin: float, primary: bool) -> Comparison:
        """Of one pair, with the interval that excludes zero where its own p-value is at most the level."""
        total, images = self.covariance[number, number], self.image_variance[number]
        of_seeds = float(sum(self.sources[number].values())) if self.sources[number] else math.nan
        critical = -special.stdtrit(self.df[number], level / 2)
        half = critical * math.sqrt(total) if total == total else math.nan
        gain = float(self.gains[number])
        return Comparison(
            *self.pairs[number],
            seeds=tuple(seed for seed, there in zip(self.seeds, self.there[number], strict=True) if there),
            gain=gain,
            low=float(gain - half),
            high=float(gain + half),
            p=p,
            margin=margin,
            df=float(self.df[number]),
            seed_variance=of_seeds,
            seed_df=_satterthwaite(of_seeds, self.sources[number]),
            image_variance=None if images != images else float(images),
            primary=primary,
        )


def _satterthwaite(total: float, parts: Mapping[Estimate, float]) -> float:
    """Degrees of freedom of a variance that is a sum of independent estimates, some subtracted (Satterthwaite, 1946).

    The total is given, since it is larger than the sum of its parts where a negative variance was taken for 0. NaN
    without parts.
    """
    by_df = sum(part**2 / estimate.df for estimate, part in parts.items())
    return float(total**2 / by_df) if by_df > 0 else math.nan


def _units(runs: Runs) -> int:
    """The number of units that all runs were judged on; 0 without counts."""
    found = {len(pulls) for of_cell in runs.pulls.values() for pulls in of_cell.values()}
    if len(found) > 1:
        raise ValueError(f"runs were judged on different numbers of units of images: {sorted(found)}")
    return found.pop() if found else 0
