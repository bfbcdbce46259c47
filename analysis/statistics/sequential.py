"""Seeds until decided: the looks at a study's comparisons, one after the other, and who needs another seed.

All comparisons are looked at together, first after a few seeds and then after each further one. A comparison is open
while it is undecided and can still be decided; only the cells of open comparisons get another seed. Every look is paid
for (`looks`), and its verdict is that of the first look that decided it. What is found is a function of the runs alone,
so that a study that goes on after an interruption takes the same decisions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from scipy import special

from analysis.statistics.looks import Look, Looks
from analysis.statistics.verdict import MARGIN, Comparison, Runs, Verdict, judge

HOPELESS = 0.1
"""Chance of a verdict at the last look below which no more seeds are spent; `benchmarks.decide` chose it."""
QUANTILES = (np.arange(16) + 0.5) / 16
"""Of the variance over seeds, which few seeds leave uncertain."""


@dataclass(frozen=True)
class Named:
    """A primary comparison as a plan names it, by the names of cells."""

    ours: str
    theirs: str
    control: str | None


class Stopped(StrEnum):
    """Why a comparison gets no more seeds."""

    DECIDED = "decided"
    HOPELESS = "hopeless"
    """A verdict by the last look is improbable."""
    NOT_NEEDED = "not needed"
    """Over a control, where there is no gain to be credited."""
    LAST_LOOK = "last look"


@dataclass(frozen=True)
class Followed:
    """A comparison at the look that ended it, or at the last one so far.

    Attributes:
        comparison: `looked` says after how many seeds that was.
        stopped: why it gets no more seeds; None while it is open.
    """

    comparison: Comparison
    stopped: Stopped | None = None


@dataclass(frozen=True)
class Progress:
    """Where a study stands.

    Attributes:
        followed: every comparison that makes a claim, by ours and theirs.
        wanted: cells of open comparisons, with the number of seeds that the next look needs.
    """

    followed: Mapping[tuple[str, str], Followed]
    wanted: Mapping[str, int]


def claims(named: Sequence[Named]) -> list[tuple[str, str]]:
    """Ours and theirs of each comparison that makes a claim: the primary ones, then those with controls."""
    of_controls = ((one.ours, one.control) for one in named if one.control is not None)
    return list(dict.fromkeys([*((one.ours, one.theirs) for one in named), *of_controls]))


def follow(
    runs: Runs,
    named: Sequence[Named],
    looks: Looks,
    seeds: Sequence[int],
    ended: Mapping[str, set[int]],
    margin: float = MARGIN,
) -> Progress:
    """Take every look for which all runs are there.

    Args:
        runs: of the whole table.
        named: the primary comparisons.
        looks: that the file asks for.
        seeds: of the table in their order, as many as the last look has.
        ended: seeds of each cell whose run has ended, also without a result. A cell without any gets none.
        margin: the smallest difference of interest in points.
    """
    pairs = claims(named)
    found = _before_looks(runs, pairs, looks, seeds, margin)
    open_pairs = [pair for pair in pairs if all(ended.get(cell) for cell in pair)]
    for n in looks.seeds:
        wanted = dict.fromkeys((cell for pair in open_pairs for cell in pair), n)
        if any(not ended[cell].issuperset(seeds[:n]) for cell in wanted):
            return Progress(found, wanted)
        if not open_pairs:
            break
        look = looks.at(n)
        judged = dict(zip(pairs, judge(_of_seeds(runs, seeds[:n]), pairs, margin=margin, look=look), strict=True))
        found |= {pair: Followed(judged[pair], _stops(judged[pair], look)) for pair in open_pairs}
        found |= {pair: replace(found[pair], stopped=Stopped.NOT_NEEDED) for pair in _not_needed(named, found)}
        open_pairs = [pair for pair in open_pairs if found[pair].stopped is None]
    return Progress(found, {})


def chance_of_verdict(found: Comparison, look: Look) -> float:
    """The probability that a comparison, undecided at a look, has a verdict at the last one.

    Predicted from the seeds that are there, with a flat prior for the gain; the variance over seeds is as uncertain as
    its degrees of freedom say. 1 where no variance is known yet.
    """
    n, last = look.seeds, look.looks.last
    if math.isnan(found.low) or not found.seed_variance > 0:
        return 1.0
    images = found.image_variance or 0.0
    deviations = (found.high - found.low) / 2 / math.sqrt(found.seed_variance + images)
    total = look.total(2 * special.stdtr(found.df, -deviations))
    df = found.df * (last - 1) / (n - 1)
    critical = -special.stdtrit(df, look.looks.at(last).level(total) / 2)
    of_seed = found.seed_variance * n * found.seed_df / special.chdtri(found.seed_df, QUANTILES)
    half = critical * np.sqrt(of_seed / last + images)
    spread = np.sqrt(of_seed * (1 / n - 1 / last))

    def within(limit: np.ndarray) -> np.ndarray:
        limit = np.maximum(limit, 0)
        return special.ndtr((limit - found.gain) / spread) - special.ndtr((-limit - found.gain) / spread)

    different, equivalent = 1 - within(half), within(found.margin - half)
    return float(np.minimum(different + equivalent, 1).mean())


def _before_looks(
    runs: Runs, pairs: Sequence[tuple[str, str]], looks: Looks, seeds: Sequence[int], margin: float
) -> dict[tuple[str, str], Followed]:
    """Gains without intervals: a look that is not complete says nothing."""
    judged = judge(_of_seeds(runs, seeds[: looks.first]), pairs, margin=margin)
    return {
        pair: Followed(replace(one, low=math.nan, high=math.nan, p=math.nan, looked=0))
        for pair, one in zip(pairs, judged, strict=True)
    }


def _of_seeds(runs: Runs, seeds: Sequence[int]) -> Runs:
    def kept(by_seed: Mapping[int, Any]) -> dict[int, Any]:
        return {seed: by_seed[seed] for seed in seeds if seed in by_seed}

    mious = {cell: kept(by_seed) for cell, by_seed in runs.mious.items()}
    return Runs(mious, runs.budgets, {cell: kept(by_seed) for cell, by_seed in runs.pulls.items()})


def _stops(found: Comparison, look: Look) -> Stopped | None:
    if not found.why_not_judged and found.verdict is not Verdict.UNDECIDED:
        return Stopped.DECIDED
    if look.seeds == look.looks.last:
        return Stopped.LAST_LOOK
    return Stopped.HOPELESS if chance_of_verdict(found, look) < HOPELESS else None


def _not_needed(named: Sequence[Named], found: Mapping[tuple[str, str], Followed]) -> Iterator[tuple[str, str]]:
    """Open comparisons with controls of cells that have no gain to be credited, and will have none."""
    primary = {(one.ours, one.theirs) for one in named}
    credits: dict[tuple[str, str], list[Followed]] = {}
    for one in named:
        if one.control is not None and (one.ours, one.control) not in primary:
            credits.setdefault((one.ours, one.control), []).append(found[one.ours, one.theirs])
    for pair, gains in credits.items():
        gained = (gain.stopped is None or gain.comparison.verdict is Verdict.BETTER for gain in gains)
        if found[pair].stopped is None and not any(gained):
            yield pair
