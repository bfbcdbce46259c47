"""The comparisons of a study, judged: its runs and its plan are put before `analysis.statistics.verdict`."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analysis.statistics.image_variance import influences, overlaps_by_unit, overlaps_of
from analysis.statistics.looks import Looks
from analysis.statistics.power import Design, MoreSeeds, more_seeds
from analysis.statistics.sequential import Followed, Named, Progress, claims, follow
from analysis.statistics.verdict import MARGIN, Comparison, Runs, Verdict, judge
from analysis.study import Study
from analysis.study_cell import StudyCell


@dataclass(frozen=True)
class Gain:
    """What one cell gains over another, and over its control.

    Attributes:
        comparison: ours over theirs.
        control: ours over its control, another primary comparison; None where there is no control.
    """

    comparison: Comparison
    control: Comparison | None = None

    @property
    def credited(self) -> bool:
        """Whether ours is better than theirs and also, where there is a control, better than the control."""
        return self.comparison.verdict is Verdict.BETTER and (
            self.control is None or self.control.verdict is Verdict.BETTER
        )


@dataclass(frozen=True)
class Measured:
    """The runs of a study's table.

    Attributes:
        runs: as `judge` takes them.
        images: names of the images of the report split, of the classes, and the unit of each image; empty where no run
            kept counts.
    """

    runs: Runs
    images: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class RunsSpent:
    """Runs of the cells that are compared, where seeds are added until decided.

    Attributes:
        runs: that have ended.
        at_most: of a fixed number of seeds, as many as the last look has.
    """

    runs: int
    at_most: int


class Judged:
    """A study with its comparisons. Each is judged once, when it is first asked for."""

    def __init__(self, study: Study) -> None:
        self.study = study

    @property
    def margin(self) -> float:
        """The smallest difference of interest in points."""
        return self.study.plan.get("smallest_difference", MARGIN)

    @cached_property
    def primary(self) -> tuple[Gain, ...]:
        """The primary comparisons in the order of the plan. Those with controls are corrected together with them."""
        named = primary_comparisons(self.study)
        found = {(one.ours, one.theirs): one for one in self.corrected}
        of_controls = {one: found[one.ours, one.control] for one in named if one.control is not None}
        return tuple(Gain(found[one.ours, one.theirs], of_controls.get(one)) for one in named)

    @cached_property
    def corrected(self) -> tuple[Comparison, ...]:
        """Every comparison that makes a claim, the ones with controls included."""
        if self.progress is not None:
            return tuple(self.progress.followed[pair].comparison for pair in self._claims)
        return tuple(judge(self.measured.runs, self._claims, margin=self.margin)) if self._claims else ()

    @cached_property
    def progress(self) -> Progress | None:
        """Where the looks at the comparisons have got to; None where the number of seeds is fixed."""
        if self.looks is None or not self._claims:
            return None
        ended = {cell.name: self.study.ended_seeds(cell) for cell in self.study.cells}
        named = primary_comparisons(self.study)
        return follow(self.measured.runs, named, self.looks, self.study.seeds, ended, self.margin)

    @property
    def looks(self) -> Looks | None:
        """When the plan has the comparisons looked at; None where the number of seeds is fixed."""
        first = self.study.plan.get("first_look")
        return None if first is None else Looks(first, len(self.study.seeds))

    @property
    def runs_spent(self) -> RunsSpent | None:
        """Beside a fixed number of seeds; None where their number is fixed, and where nothing is compared."""
        if self.looks is None or not self._claims:
            return None
        compared = {name for pair in self._claims for name in pair}
        runs = sum(len(self.study.ended_seeds(cell)) for cell in self.study.cells if cell.name in compared)
        return RunsSpent(runs, len(compared) * self.looks.last)

    def followed(self, found: Comparison) -> Followed | None:
        """Where a comparison is with its looks; None where the number of seeds is fixed, and where exploratory."""
        return None if self.progress is None else self.progress.followed.get((found.ours, found.theirs))

    @cached_property
    def exploratory(self) -> Mapping[tuple[str, str], Comparison]:
        """By ours and theirs, what makes no claim: a cell over its baseline, and any two cells of one budget."""
        claimed = {frozenset(pair) for pair in self._claims}
        groups: dict[tuple[int | None, int | None], list[tuple[str, str]]] = {}
        for ours, theirs in _pairs(self.study):
            if frozenset((ours.name, theirs.name)) not in claimed:
                groups.setdefault((ours.budget, theirs.budget), []).append((ours.name, theirs.name))
        found = [judge(self.measured.runs, (), group, self.margin) for group in groups.values()]
        return {(one.ours, one.theirs): one for group in found for one in group if one.seeds}

    def over_baseline(self, cell: StudyCell) -> Gain | None:
        """The gain of a cell over its baseline; None for a baseline, without one, and where no seed has both."""
        baseline = self.study.baseline_of(cell)
        if baseline is None or baseline == cell:
            return None
        names = (cell.name, baseline.name)
        for gain in self.primary:
            if (gain.comparison.ours, gain.comparison.theirs) == names:
                return gain if gain.comparison.seeds else None
        found = {(one.ours, one.theirs): one for one in self.corrected} | dict(self.exploratory)
        return Gain(found[names]) if names in found and found[names].seeds else None

    @cached_property
    def more_seeds(self) -> Mapping[tuple[str, str], MoreSeeds]:
        """What would decide each undecided comparison that makes a claim, by ours and theirs."""
        return more_seeds(self.corrected, self.design)

    @property
    def design(self) -> Design:
        """Of the table."""
        units = self.measured.images[-1] if self.measured.images else ()
        budgets = tuple((cell.name, cell.budget) for cell in self.study.cells)
        return Design(tuple(self._claims), budgets, len(set(units)))

    @cached_property
    def measured(self) -> Measured:
        """The runs of the table. Raises ValueError where they were evaluated on different images."""
        return measured(self.study)

    @cached_property
    def _claims(self) -> list[tuple[str, str]]:
        """Ours and theirs of each comparison that makes a claim."""
        return claims(primary_comparisons(self.study))


def primary_comparisons(study: Study) -> list[Named]:
    """Those of the plan. A study of an older version has none in its plan: every cell over its baseline."""
    if (planned := study.plan.get("comparisons")) is not None:
        return [Named(one["ours"], one["theirs"], one["control"]) for one in planned]
    both = [(cell, study.baseline_of(cell)) for cell in study.cells]
    return [Named(cell.name, other.name, None) for cell, other in both if other is not None and other != cell]


def _pairs(study: Study) -> list[tuple[StudyCell, StudyCell]]:
    """Ours and theirs: every cell and its baseline, and all other pairs of cells of one budget."""
    pairs: dict[frozenset[str], tuple[StudyCell, StudyCell]] = {}
    for cell in study.cells:
        if (baseline := study.baseline_of(cell)) is not None and baseline != cell:
            pairs[frozenset((cell.name, baseline.name))] = (cell, baseline)
    for theirs, ours in itertools.combinations(study.cells, 2):
        if ours.budget == theirs.budget:
            pairs.setdefault(frozenset((ours.name, theirs.name)), (ours, theirs))
    return list(pairs.values())


def measured(study: Study) -> Measured:
    """The runs of a study's table, their values such that more is better.

    Raises ValueError where they were evaluated on different images.
    """
    report, sign = study.last(study.objective.report), study.objective.sign
    runs = {
        cell.name: {seed: run for seed, run in study.results(cell).items() if run in report} for cell in study.cells
    }
    mious = {cell: {seed: sign * report[run] for seed, run in by_seed.items()} for cell, by_seed in runs.items()}
    pulls, images = _pulls(study, runs)
    return Measured(Runs(mious, {cell.name: cell.budget for cell in study.cells}, pulls), images)


def _pulls(
    study: Study, runs: Mapping[str, Mapping[int, str]]
) -> tuple[dict[str, dict[int, np.ndarray]], tuple[tuple[str, ...], ...]]:
    """What each unit of images does to each run that kept counts, and `Measured.images`."""
    pulls: dict[str, dict[int, np.ndarray]] = {}
    images: tuple[tuple[str, ...], ...] = ()
    for cell, by_seed in runs.items():
        for seed, run in by_seed.items():
            if (found := study.confusions([run])) is None:
                continue
            seen = (found.images, found.classes, found.units)
            if images and seen != images:
                raise ValueError(f"run {run} was evaluated on other images, units or classes than the runs before it")
            images = seen
            if len(set(found.units)) > 1:
                overlaps = overlaps_by_unit(overlaps_of(found.counts[0]), found.units)
                pulls.setdefault(cell, {})[seed] = influences(overlaps)
    return pulls, images


def over_another_study(ours: Judged, theirs: Judged) -> dict[str, Comparison]:
    """By cell that both studies have, its gain over the same cell of the other study: exploratory.

    Nothing is pooled, since a seed need not do the same to both studies. The interval is also for other images where
    both studies were evaluated on the same ones.
    """
    sides = [judged.measured for judged in (ours, theirs)]
    same_images = sides[0].images == sides[1].images
    runs = Runs(
        mious={_of_side(n, cell): found for n, side in enumerate(sides) for cell, found in side.runs.mious.items()},
        budgets={_of_side(n, cell): (n, cell) for n, side in enumerate(sides) for cell in side.runs.mious},
        pulls={_of_side(n, cell): found for n, side in enumerate(sides) for cell, found in side.runs.pulls.items()}
        if same_images
        else {},
    )
    cells = [cell for cell in sides[0].runs.mious if cell in sides[1].runs.mious]
    pairs = [(_of_side(0, cell), _of_side(1, cell)) for cell in cells]
    found = judge(runs, (), pairs) if pairs else []
    return {cell: one for cell, one in zip(cells, found, strict=True) if one.seeds}


def _of_side(number: int, cell: str) -> str:
    return f"{number}: {cell}"
