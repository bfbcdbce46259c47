"""Seeds until decided: how often verdicts err over all looks, and how many runs they take, beside a fixed number.

Studies are drawn whose truth is known: half of their comparisons are of cells that do not differ, the others have gains
of 0.5 to 3 standard deviations of a paired difference. Each is followed look by look, from 3 seeds to at most 12, by
the code that follows real studies. The fixed design of equal power reaches the same share of right verdicts with a
number of seeds that is the same for all cells.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from rich.table import Table

from analysis.statistics.looks import Looks
from analysis.statistics.sequential import Named, follow
from analysis.statistics.verdict import Comparison, Runs, Verdict, judge
from analysis.wording import count
from benchmarks import decide_curves
from benchmarks.command_line import Result, figures_table, run
from benchmarks.inference import MARGINS, percent
from benchmarks.inference_draws import LOUD_BUDGET, SPREADS, Point, draw
from benchmarks.workers import Workers

LOOKS = Looks(3, 12)
EFFECTS = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0)
"""True gains of every other comparison, in standard deviations of a paired difference."""
FIXED = (2, 3, 4, 5, 6, 8, 10, 12)
"""Seeds of fixed designs that are judged; in between, what they reach is interpolated."""
AGAIN = 3
"""So many of the designs that err most are drawn again."""


@dataclass(frozen=True)
class Size:
    """How many studies are drawn: of each design without any difference, the worst again, with gains at each margin."""

    nulls: int
    again: int
    gains: int


FULL, QUICK = Size(250, 2500, 48), Size(40, 160, 18)


@dataclass(frozen=True)
class Errors:
    """Of a design in which no cell differs: the share of studies that call a difference."""

    point: Point
    studies: int
    fwer: float


@dataclass(frozen=True)
class Row:
    """Runs and verdicts of a design at one smallest difference of interest, means over all gains.

    Attributes:
        point: the design, with as many seeds as the last look has.
        margin: the smallest difference of interest, in standard deviations of a paired difference.
        seeds: runs of a cell until decided.
        right: share of comparisons with a verdict that is right: better where there is a gain, equivalent where it is
            smaller than the margin.
        found: share of gains that are called better.
        fixed_right: the same of designs with a fixed number of seeds, for each of `FIXED`.
        fixed_found: as `found`.
        wrong: share of studies with a wrong verdict.
    """

    point: Point
    margin: float
    seeds: float
    right: float
    found: float
    fixed_right: tuple[float, ...]
    fixed_found: tuple[float, ...]
    wrong: float

    @property
    def ratio(self) -> float:
        """Runs over those of the fixed design that has as many right verdicts."""
        return self.seeds / float(np.interp(self.right, self.fixed_right, FIXED))

    @property
    def ratio_to_find(self) -> float:
        """Runs over those of the fixed design that finds as many gains, whatever it says of the others."""
        return self.seeds / float(np.interp(self.found, self.fixed_found, FIXED))


def grid(quick: bool) -> list[Point]:
    """Designs of the run: numbers of comparisons, with equal and other variances, with and without one of images."""
    if quick:
        return [Point(12, 1), Point(12, 3, images=0.3), Point(12, 6, "loud baseline")]
    plain = [
        Point(12, comparisons, spread, images, "sequences")
        for comparisons, spread, images in itertools.product(
            (1, 3, 6, 12), [name for name in SPREADS if name != LOUD_BUDGET], (0.0, 1.0)
        )
        if comparisons > 1 or spread == "equal"
    ]
    return [
        *plain,
        *(Point(12, 6, spread, images, budgets=3) for spread in ("equal", LOUD_BUDGET) for images in (0.0, 1.0)),
    ]


def errors(point: Point, studies: int, seed: int) -> Errors:
    """Follow studies of a design in which nothing differs."""
    rng = np.random.default_rng(seed)
    wrong = 0
    for _ in range(studies):
        found = _followed(point, draw(point, 1, rng).runs(0), 1.0)
        wrong += any(one.verdict in (Verdict.BETTER, Verdict.WORSE) for one in found)
    return Errors(point, studies, wrong / studies)


def simulate(point: Point, margin: float, studies: int, seed: int) -> Row:
    """Follow studies of a design, as many for each of `EFFECTS`."""
    rng = np.random.default_rng(seed)
    found = [_study(point, margin, effect, rng) for effect in EFFECTS for _ in range(max(1, studies // len(EFFECTS)))]
    seeds, wrong = (float(np.mean([one[at] for one in found])) for at in (0, 1))
    right, gains = (np.nanmean([one[at] for one in found], axis=0) for at in (2, 3))
    return Row(
        point,
        margin,
        seeds,
        float(right[0]),
        float(gains[0]),
        tuple(np.maximum.accumulate(right[1:]).tolist()),
        tuple(np.maximum.accumulate(gains[1:]).tolist()),
        wrong,
    )


def _study(
    point: Point, margin: float, effect: float, rng: np.random.Generator
) -> tuple[float, bool, list[float], list[float]]:
    """Runs of a cell, whether a verdict is wrong, and shares of right verdicts and of gains found (NaN without any):
    until decided, then by each fixed number."""
    # of a single comparison, every other study has the gain
    first = int(rng.integers(2)) if point.comparisons == 1 else 0
    truth = effect * (np.arange(first, first + point.comparisons) % 2 == 0)
    runs = _with_gains(draw(point, 1, rng).runs(0), point, truth)
    followed = _followed(point, runs, margin)
    used = {cell: max(one.looked or 0 for one in followed if cell in (one.ours, one.theirs)) for cell in runs.mious}
    judged = [followed, *(judge(_first(runs, seeds), point.pairs, margin=margin) for seeds in FIXED)]
    right = [float(np.mean([_right(one, gain) for one, gain in zip(each, truth, strict=True)])) for each in judged]
    wrong = any(
        one.verdict is not Verdict.UNDECIDED and not _right(one, gain)
        for one, gain in zip(followed, truth, strict=True)
    )
    better = np.array([[one.verdict is Verdict.BETTER for one in each] for each in judged])[:, truth > 0]
    found = better.mean(axis=1).tolist() if truth.any() else [np.nan] * len(judged)
    return float(np.mean(list(used.values()))), wrong, right, found


def _right(one: Comparison, gain: float) -> bool:
    return (one.verdict is Verdict.BETTER and gain > 0) or (one.verdict is Verdict.EQUIVALENT and gain < one.margin)


def _followed(point: Point, runs: Runs, margin: float) -> list[Comparison]:
    named = [Named(ours, theirs, None) for ours, theirs in point.pairs]
    ended = {cell: set(range(point.seeds)) for cell in runs.mious}
    found = follow(runs, named, LOOKS, range(point.seeds), ended, margin).followed
    return [found[pair].comparison for pair in point.pairs]


def _with_gains(runs: Runs, point: Point, truth: np.ndarray) -> Runs:
    gains = dict(zip((ours for ours, _ in point.pairs), truth.tolist(), strict=True))
    mious = {cell: {seed: miou + gains.get(cell, 0.0) for seed, miou in of.items()} for cell, of in runs.mious.items()}
    return Runs(mious, runs.budgets, runs.pulls)


def _first(runs: Runs, seeds: int) -> Runs:
    mious = {cell: {seed: of[seed] for seed in range(seeds)} for cell, of in runs.mious.items()}
    pulls = {cell: {seed: of[seed] for seed in range(seeds)} for cell, of in runs.pulls.items()}
    return Runs(mious, runs.budgets, pulls)


def measure(quick: bool) -> Result:
    """Draw studies without and with differences, and judge recorded runs."""
    size, points = QUICK if quick else FULL, grid(quick)
    both = list(itertools.product(points, MARGINS))
    with Workers() as workers:
        nulls = workers.map(errors, points, itertools.repeat(size.nulls), range(len(points)))
        worst = [one.point for one in sorted(nulls, key=lambda one: -one.fwer)[: 1 if quick else AGAIN]]
        again = workers.map(errors, worst, itertools.repeat(size.again), range(10_000, 10_000 + len(worst)))
        rows = workers.map(simulate, *zip(*both, strict=True), itertools.repeat(size.gains), range(len(both)))
    figures = figures_of(nulls, again, rows)
    shown = [errors_table(nulls, again), rows_table(rows), conclusion(figures)]
    recorded = []
    for file, conclusions in decide_curves.SETS.items():
        if file.is_file():
            recorded.append(conclusions(file))
        else:
            shown.append(f"left out: recorded runs of {file.stem}, since there is no {file.parent.name}/{file.name}")
    figures |= decide_curves.figures(recorded) if recorded else {}
    shown += [one.sentence() for one in recorded]
    data = [{**asdict(one), "kind": "nulls"} for one in nulls] + [{**asdict(one), "kind": "again"} for one in again]
    return Result(shown, figures, [*data, *({**asdict(row), "kind": "gains", "ratio": row.ratio} for row in rows)])


def figures_of(nulls: Sequence[Errors], again: Sequence[Errors], rows: Sequence[Row]) -> dict[str, float]:
    """The figures of the run.

    `fwer`: family-wise over looks and comparisons, the largest of the worst designs, each drawn again; `fwer_mean` is
    that of all designs. `runs_ratio`: runs over those of the fixed design with as many right verdicts, mean over
    designs and margins; `runs_ratio_to_find` over those of the fixed design that finds as many gains, at the smallest
    margin, where few gains are equivalent. `seeds_mean`: of a cell. `wrong`: share of studies with gains in them that
    have a wrong verdict.
    """
    return {
        "fwer": max(one.fwer for one in again),
        "fwer_mean": float(np.mean([one.fwer for one in nulls])),
        "runs_ratio": float(np.mean([row.ratio for row in rows])),
        "runs_ratio_to_find": float(np.mean([row.ratio_to_find for row in rows if row.margin == min(MARGINS)])),
        "seeds_mean": float(np.mean([row.seeds for row in rows])),
        "wrong": float(np.mean([row.wrong for row in rows])),
    }


def errors_table(nulls: Sequence[Errors], again: Sequence[Errors]) -> Table:
    """Family-wise errors, the designs that are drawn again at the end."""
    table = figures_table("nothing differs: studies that call a difference, over all looks", "", "studies", "err")
    for one in itertools.chain(nulls, again):
        table.add_row(_name(one.point), str(one.studies), percent(one.fwer))
    return table


def rows_table(rows: Iterable[Row]) -> Table:
    """Runs of each design beside those of the fixed one."""
    columns = ("margin, sd", "seeds", "right verdicts", "of fixed design", "gains found", "of fixed design", "wrong")
    table = figures_table("gains of 0.5 to 3 sd and as many comparisons without any", "", *columns)
    for row in rows:
        shares = [percent(row.right), f"{row.ratio:.2f}", percent(row.found), f"{row.ratio_to_find:.2f}"]
        table.add_row(_name(row.point), f"{row.margin:g}", f"{row.seeds:.1f}", *shares, percent(row.wrong))
    return table


def _name(point: Point) -> str:
    images = f", images {point.images:g}" if point.images else ""
    budgets = f" in {point.budgets} budgets" if point.budgets > 1 else ""
    return f"{count(point.comparisons, 'comparison')}{budgets}, {point.spread}{images}"


def conclusion(figures: dict[str, float]) -> str:
    """The figures in a sentence."""
    return (
        f"Family-wise error over all looks {percent(figures['fwer'])} at the worst design drawn again, "
        f"{percent(figures['fwer_mean'])} on average; {figures['seeds_mean']:.1f} seeds a cell of at most "
        f"{LOOKS.last}: {figures['runs_ratio']:.2f} of the runs of a fixed number with as many right verdicts, "
        f"{figures['runs_ratio_to_find']:.2f} of one that finds as many gains (margin {min(MARGINS):g} sd)."
    )


if __name__ == "__main__":
    sys.exit(run("decide", __doc__, measure))
