"""Two cells compared: what seeds and what images say about their difference, and what may be concluded."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from analysis.statistics.bootstrap import Comparison, Side, compare, resampled_side, together
from analysis.statistics.seeds import Difference, holm, paired_difference, seeds_to_separate
from analysis.study import Study, StudyCell
from trainables.words import REPORT

ALPHA = 0.05
RESAMPLES = 10_000
UNSURE = ", but not after Holm's correction"
DECIDED = ("better", f"better{UNSURE}", "worse", f"worse{UNSURE}")
NOT_SHOWN, NOT_JUDGED = "no difference shown", "one seed: not judged"
VERDICTS = (*DECIDED, NOT_SHOWN, NOT_JUDGED)


@dataclass(frozen=True)
class Gain:
    """How much more mIoU one cell has than another on the report split, in points.

    Attributes:
        ours: name of the one.
        theirs: name of the other.
        seeds: the difference paired by seed: what training again would change.
        images: the same difference by paired bootstrap over images: what other images would change; None where
            trials kept no counts.
        needed: seeds that would separate a difference of this size at 95% with a power of 80%; None where more than
            `analysis.statistics.seeds.MOST_SEEDS` or unknown.
        corrected: p-value of `seeds` by Holm over the comparisons of one table.
        images_corrected: the same of `images`.
    """

    ours: str
    theirs: str
    seeds: Difference
    images: Comparison | None
    needed: int | None
    corrected: float
    images_corrected: float

    @property
    def verdict(self) -> str:
        """What may be said: both intervals have to exclude zero, and both corrected p-values to be below 0.05."""
        if len(self.seeds.seeds) < 2:
            return NOT_JUDGED
        if not self._excludes_zero():
            return NOT_SHOWN
        direction = "better" if self.seeds.mean > 0 else "worse"
        sure = self.corrected < ALPHA and (self.images is None or self.images_corrected < ALPHA)
        return direction if sure else f"{direction}{UNSURE}"

    def _excludes_zero(self) -> bool:
        by_seeds = abs(self.seeds.mean) > self.seeds.half_width
        return by_seeds and (self.images is None or self.images.low > 0 or self.images.high < 0)


class ReportSplit:
    """What the runs of a study are on the images of the report split, each resampled once for all comparisons."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.images: tuple[str, ...] | None = None
        self.classes: tuple[str, ...] = ()
        self._sides: dict[str, Side | None] = {}

    def side(self, runs: Sequence[str]) -> Side | None:
        """These runs as one side; None where one of them kept no counts."""
        found = [self._side(run) for run in runs]
        return None if None in found else together([side for side in found if side is not None])

    def _side(self, run: str) -> Side | None:
        if run not in self._sides:
            confusions = self.study.confusions([run])
            if confusions is not None:
                self.images, self.classes = confusions.images, confusions.classes
            self._sides[run] = None if confusions is None else resampled_side(confusions.counts, RESAMPLES)
        return self._sides[run]


def gain(ours: ReportSplit, our_cell: StudyCell, theirs: ReportSplit, their_cell: StudyCell) -> Gain | None:
    """Of one cell over another, of the same study or of another one; None where they share no seed.

    P-values are not corrected. Images are compared where both were evaluated on the same ones.
    """
    our_runs, their_runs = ours.study.results(our_cell), theirs.study.results(their_cell)
    difference = paired_difference(_mious(ours.study, our_runs), _mious(theirs.study, their_runs))
    if difference is None:
        return None
    sides = [
        split.side([runs[s] for s in difference.seeds]) for split, runs in ((ours, our_runs), (theirs, their_runs))
    ]
    same = (ours.images, ours.classes) == (theirs.images, theirs.classes) and len(ours.images or ()) > 1
    images = compare(sides[0], sides[1]) if sides[0] and sides[1] and same else None
    needed, images_p = seeds_to_separate(difference.effect), images.p_value if images else math.nan
    return Gain(our_cell.name, their_cell.name, difference, images, needed, difference.p_value, images_p)


def corrected(gains: Sequence[Gain]) -> list[Gain]:
    """The comparisons of one table with p-values corrected for being several."""
    seeds = holm([found.seeds.p_value for found in gains])
    images = holm([found.images.p_value if found.images else math.nan for found in gains])
    with_both = zip(gains, seeds, images, strict=True)
    return [replace(found, corrected=p, images_corrected=q) for found, p, q in with_both]


def gains_over_baseline(split: ReportSplit) -> dict[str, Gain]:
    """By cell, its gain over its baseline, corrected over all of them; without baselines and what has no seeds."""
    found = []
    for cell in split.study.cells:
        baseline = split.study.baseline_of(cell)
        if baseline is not None and baseline != cell and (one := gain(split, cell, split, baseline)) is not None:
            found.append(one)
    return {one.ours: one for one in corrected(found)}


def pairs(split: ReportSplit) -> list[Gain]:
    """Every two cells of the same number of labeled images, corrected over all of them."""
    cells = split.study.cells
    twos = [(ours, theirs) for ours, theirs in itertools.combinations(cells, 2) if ours.budget == theirs.budget]
    found = [gain(split, theirs, split, ours) for ours, theirs in twos]
    return corrected([one for one in found if one is not None])


def _mious(study: Study, runs: Mapping[int, str]) -> dict[int, float]:
    report = study.last(REPORT)
    return {seed: report[run] for seed, run in runs.items() if run in report}
