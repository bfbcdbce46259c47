"""What a design is able to show, and how many more seeds would decide what is undecided.

Found by drawing studies of the design and judging them by the code that judges real ones, so that the answer holds for
that code, with all its checks. Never from the difference that was observed: power "observed" says no more than the
p-value does (Hoenig and Heisey, 2001).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from scipy import stats

from analysis.statistics.looks import Looks
from analysis.statistics.verdict import Comparison, Runs, Verdict, judge

POWER = 0.8
CONFIDENCE = 0.8
"""That a standard deviation is no larger than the one that is planned with (Browne, 1995)."""
MOST_SEEDS = 100
"""More are not asked for."""
TRIED = (3, 5, 8, 14, 25, 50, MOST_SEEDS)
"""Numbers of seeds that studies are drawn with."""
FIRM = 8
"""Seeds from which a resolution falls no faster than their square root says."""
COMPARISONS = 300
"""Drawn, in at least `FEWEST_STUDIES` studies."""
FEWEST_STUDIES = 40


@dataclass(frozen=True)
class Design:
    """A table before its runs.

    Attributes:
        pairs: the primary comparisons (ours, theirs).
        budgets: every cell of the table with its budget.
        units: of images that vary independently; 0 where images are not counted in.
        first_look: seeds of the first of several looks; None where their number is fixed.
    """

    pairs: tuple[tuple[str, str], ...]
    budgets: tuple[tuple[str, Hashable], ...]
    units: int = 0
    first_look: int | None = None


@dataclass(frozen=True)
class Resolution:
    """What a design shows with 80% probability, in points.

    Attributes:
        gain: the smallest true gain that is called better.
        margin: the smallest difference of interest within which cells are called equivalent that do not differ.
    """

    gain: float
    margin: float


@dataclass(frozen=True)
class MoreSeeds:
    """How many seeds more each answer takes, at the smallest difference of interest; None where over `MOST_SEEDS`.

    Attributes:
        to_find: so that a true gain of that size is called better with a probability of 80%.
        to_rule_out: so that cells that do not differ are called equivalent with a probability of 80%.
    """

    to_find: int | None
    to_rule_out: int | None


def resolution(design: Design, seeds: int, sd: float = 1.0, image_sd: float = 0.0) -> Resolution:
    """What a design can show; infinite for one seed.

    Args:
        design: its comparisons.
        seeds: runs of each cell, at the last look where there are several.
        sd: standard deviation of the difference of two runs of one seed. With 1, the answer is in units of it.
        image_sd: standard deviation of a gain over images.
    """
    if seeds < 2:
        return Resolution(math.inf, math.inf)
    if sd <= 0:
        return Resolution(0.0, 0.0)
    ratio = round(image_sd / sd, 2)
    found = _resolution(design if ratio else replace(design, units=0), seeds, ratio)
    return Resolution(sd * found.gain, sd * found.margin)


def more_seeds(found: Sequence[Comparison], design: Design) -> dict[tuple[str, str], MoreSeeds]:
    """For each undecided primary comparison that has an interval.

    With the standard deviation that the true one exceeds in one study of five, and for images the root mean square over
    comparisons.
    """
    judged = [one for one in found if one.primary and not one.why_not_judged]
    image_sd = math.sqrt(np.mean([one.image_variance or 0.0 for one in judged])) if judged else 0.0
    return {
        (one.ours, one.theirs): _more_seeds(one, design, image_sd) for one in judged if one.verdict is Verdict.UNDECIDED
    }


def upper_sd(sd: float, df: float, confidence: float = CONFIDENCE) -> float:
    """The upper confidence limit of a standard deviation that was estimated with so many degrees of freedom."""
    return sd * math.sqrt(df / float(stats.chi2.ppf(1 - confidence, df)))


def _more_seeds(one: Comparison, design: Design, image_sd: float) -> MoreSeeds:
    have = len(one.seeds)
    sd = upper_sd(math.sqrt(one.seed_variance * have), one.seed_df) if one.seed_variance > 0 else 0.0

    def fewest(answer: str) -> int | None:
        def reached(seeds: int) -> float:
            return getattr(resolution(design, seeds, sd, image_sd), answer)

        found = _fewest(reached, one.margin, have + 1)
        return None if found is None else found - have

    return MoreSeeds(fewest("gain"), fewest("margin"))


def _fewest(reached: Callable[[int], float], wanted: float, fewest: int) -> int | None:
    """About the smallest number of seeds, from `fewest` on, that reach a resolution; None above `MOST_SEEDS`.

    Only the numbers of `TRIED` are drawn, which all comparisons of a table then share; between them, the resolution is
    taken for a power of the number of seeds.
    """
    below: tuple[int, float] | None = None
    for seeds in TRIED if fewest <= MOST_SEEDS else ():
        found = reached(seeds)
        if found <= wanted:
            if below is None:
                return max(seeds, fewest)
            power = math.log(found / below[1]) / math.log(seeds / below[0])
            return max(min(math.ceil(below[0] * (wanted / below[1]) ** (1 / power)), seeds), fewest)
        if seeds >= FIRM and found > wanted * math.sqrt(2 * MOST_SEEDS / seeds):
            return None
        below = (seeds, found)
    return None


@lru_cache(1024)
def _resolution(design: Design, seeds: int, image_sd: float) -> Resolution:
    """In units of the standard deviation of a paired difference."""
    rng = np.random.default_rng(0)
    studies = max(FEWEST_STUDIES, COMPARISONS // len(design.pairs))
    look = None if design.first_look is None else Looks(design.first_look, seeds).at(seeds)
    drawn = (_drawn(design, seeds, image_sd, rng) for _ in range(studies))
    judged = [one for study in drawn for one in judge(study, design.pairs, look=look)]
    gain = np.quantile([-one.low for one in judged], POWER)
    margin = np.quantile([max(one.high, -one.low) for one in judged], POWER)
    return Resolution(float(gain), float(margin))


def _drawn(design: Design, seeds: int, image_sd: float, rng: np.random.Generator) -> Runs:
    """A study in which no cell differs from another."""
    budgets, root = dict(design.budgets), math.sqrt(0.5)
    mious: dict[str, Mapping[int, float]] = {}
    pulls: dict[str, Mapping[int, np.ndarray]] = {}
    for cell in budgets:
        of_units = image_sd * root * math.sqrt(design.units) * rng.standard_normal(design.units)
        of_images = of_units.mean() if design.units else 0.0
        mious[cell] = {seed: of_images + root * rng.standard_normal() for seed in range(seeds)}
        if design.units:
            pulls[cell] = dict.fromkeys(range(seeds), of_units - of_images)
    return Runs(mious, budgets, pulls)
