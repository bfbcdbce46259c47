"""How often the verdicts of a table err, and how much they find, on drawn studies whose truth is known.

Every study is judged by `analysis.statistics.verdict.judge`, and by the rule that came before it. The grid has 3, 5 and
10 seeds, 3 to 12 comparisons, equal and unequal variances, images alone and in sequences, image variances from none to
that of the seeds, and cells that were chosen as the best of 8.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from rich.table import Table

from analysis.statistics.verdict import Comparison, judge
from benchmarks import inference_peer
from benchmarks.command_line import Result, figures_table, run
from benchmarks.inference_counts import drawn_runs
from benchmarks.inference_draws import LOUD_BUDGET, SPREADS, Drawn, Point, draw
from benchmarks.workers import Workers

GAINS = (1.0, 2.0, 3.0)
"""True gains of the alternatives, of half of the comparisons, in standard deviations of a paired difference."""
MARGINS = (1.0, 2.0, 4.0)
"""Smallest differences of interest, of which all comparisons have exactly one, on the border of equivalence."""
AGAIN = 8
"""So many of the worst points are drawn again."""
BATCH = 50
ONE_BUDGET = [spread for spread in SPREADS if spread != LOUD_BUDGET]


@dataclass(frozen=True)
class Size:
    """How much is drawn: studies a point, the worst points again, and studies of counts a point."""

    studies: int
    again: int
    counts: int


FULL, QUICK = Size(600, 5500, 200), Size(100, 300, 20)


@dataclass(frozen=True)
class Row:
    """What was found at one point.

    Attributes:
        point: the design.
        studies: drawn.
        covered: share of studies whose intervals all hold the truth; the others err where nothing differs.
        peer_errs: share of studies in which the rule before calls a difference that is not there.
        power: share of true gains called better, for each of `GAINS`.
        peer_power: the same of the rule before.
        false_equivalent: share of studies that call a difference equivalent that is as large as the margin, the largest
            of `MARGINS`.
        shown_equivalent: share of comparisons without difference called equivalent, for each of `MARGINS`.
        half_width: mean of the intervals.
    """

    point: Point
    studies: int
    covered: float
    peer_errs: float
    power: tuple[float, ...]
    peer_power: tuple[float, ...]
    false_equivalent: float
    shown_equivalent: tuple[float, ...]
    half_width: float


def grid() -> list[Point]:
    """All designs of the full run."""
    designs = list(itertools.product((3, 5, 10), (3, 6, 12), ONE_BUDGET))
    images = [(0.0, "independent"), *itertools.product((0.3, 1.0), ("independent", "sequences"))]
    plain = [Point(*design, share, kind) for design in designs for share, kind in images]
    chosen = [Point(*design, 1.0, "sequences", chosen=True) for design in designs]
    budgets = [
        Point(*design, share, "sequences", budgets=3)
        for design in itertools.product((3, 5, 10), (3, 6, 12), ("equal", LOUD_BUDGET))
        for share in (0.0, 1.0)
    ]
    return plain + chosen + budgets


def quick_grid() -> list[Point]:
    """A few designs of every kind."""
    ends = itertools.product((3, 10), (3, 12), ("equal", "loud baseline"))
    found = [Point(*end, share, "sequences", chosen) for end in ends for share, chosen in ((0.0, False), (1.0, True))]
    return [*found, Point(3, 6, LOUD_BUDGET, budgets=3)]


def simulate(point: Point, studies: int, seed: int) -> Row:
    """Draw and judge studies of one design."""
    rng = np.random.default_rng(seed)
    sums = sum((_batch(point, draw(point, BATCH, rng)) for _ in range(max(1, studies // BATCH))), np.zeros(1))
    covered, peer_errs, half_width, *rest = (sums / max(1, studies // BATCH)).tolist()
    power, peer_power, false, shown = np.split(np.array(rest), 4)
    return Row(
        point,
        max(1, studies // BATCH) * BATCH,
        covered,
        peer_errs,
        tuple(power.tolist()),
        tuple(peer_power.tolist()),
        max(false.tolist()),
        tuple(shown.tolist()),
        half_width,
    )


def _batch(point: Point, drawn: Drawn) -> np.ndarray:
    """Mean figures of a batch: covered, errors of the peer, half-width, then power, peer's, false and true equivalents.

    Adding a constant to a cell moves its intervals and changes nothing else, so one judgement serves all truths.
    """
    found = [judge(drawn.runs(study), point.pairs) for study in range(BATCH)]
    low = _column(found, lambda one: one.low) - drawn.truth
    high = _column(found, lambda one: one.high) - drawn.truth
    differ = (point.comparisons + 1) // 2
    power = [(low[:, :differ] + gain > 0).mean() for gain in GAINS]
    shift = np.arange(point.comparisons) < differ
    ours, theirs = point.sides.T
    differences = drawn.reused[:, ours] - drawn.reused[:, theirs]
    called = [inference_peer.called(differences, gain * shift - drawn.truth)[:, :differ] for gain in GAINS]
    false = [((low + margin > -margin) & (high + margin < margin)).any(axis=1).mean() for margin in MARGINS]
    shown = [((low > -margin) & (high < margin)).mean() for margin in MARGINS]
    covered = ((low <= 0) & (high >= 0)).all(axis=1).mean()
    peer_errs = (inference_peer.called(differences, -drawn.truth) != 0).any(axis=1).mean()
    peer_power = [(one == 1).mean() for one in called]
    return np.array([covered, peer_errs, (high - low).mean() / 2, *power, *peer_power, *false, *shown])


def _column(found: Sequence[Sequence[Comparison]], of: Callable[[Comparison], float]) -> np.ndarray:
    return np.array([[of(one) for one in study] for study in found])


def simulate_counts(point: Point, studies: int, seed: int) -> float:
    """Share of studies drawn as confusion counts whose intervals all hold the truth, which is no difference."""
    rng = np.random.default_rng(seed)
    judged = (judge(drawn_runs(point, rng), point.pairs) for _ in range(studies))
    return float(np.mean([all(one.low <= 0 <= one.high for one in study) for study in judged]))


def counts_grid() -> list[Point]:
    """Designs that are drawn as confusion counts."""
    return [
        Point(seeds, comparisons, images=share, kind=kind)
        for seeds, comparisons in ((3, 3), (5, 6), (10, 3))
        for share, kind in itertools.product((0.0, 1.0), ("independent", "sequences"))
    ]


def measure(quick: bool) -> Result:
    """Draw the grid, its worst points again, a video that is cut in blocks, and confusion counts."""
    size, points, counts = (QUICK, quick_grid(), counts_grid()[1::4]) if quick else (FULL, grid(), counts_grid())
    with Workers() as workers:
        rows = workers.map(simulate, points, itertools.repeat(size.studies), range(len(points)))
        worst = [row.point for row in sorted(rows, key=lambda row: row.covered)[:AGAIN]]
        again = workers.map(simulate, worst, itertools.repeat(size.again), range(10_000, 10_000 + len(worst)))
        videos = [Point(seeds, 6, images=1.0, kind="video") for seeds in (3, 5, 10)]
        of_videos = workers.map(simulate, videos, itertools.repeat(size.studies), range(20_000, 20_003))
        of_counts = workers.map(
            simulate_counts, counts, itertools.repeat(size.counts), range(30_000, 30_000 + len(counts))
        )
    figures = figures_of(rows, again)
    shown = [
        *summaries(rows),
        rows_table(f"the {len(again)} worst points, {again[0].studies} new studies each", again),
        rows_table("beyond the grid: one video, whose blocks of 10 frames stand for units", of_videos),
        counts_table(counts, of_counts, size.counts),
        conclusion(rows, figures),
    ]
    data = [*map(as_data, rows), *({**as_data(row), "again": True} for row in again), *map(as_data, of_videos)]
    data += [
        {**asdict(point), "counts": True, "covered": share} for point, share in zip(counts, of_counts, strict=True)
    ]
    return Result(shown, figures, data)


def figures_of(rows: Sequence[Row], again: Sequence[Row]) -> dict[str, float]:
    """The figures of the run.

    `fwer`: the largest family-wise error among the worst points of the grid, each drawn again, since the largest of
    many estimates is too large. `coverage`: simultaneous, mean over the grid. `power_ratio`: power over that of the
    rule before, each a mean over `GAINS`, and of these ratios the mean over the grid; `power_ratio_of_means` is that of
    the means over the grid, which designs decide in which both find everything. `false_equivalent`: the largest of the
    grid.
    """
    power, peer = (np.array([getattr(row, name) for row in rows]).mean(axis=1) for name in ("power", "peer_power"))
    return {
        "fwer": max(1 - row.covered for row in again),
        "fwer_mean": float(np.mean([1 - row.covered for row in rows])),
        "coverage": float(np.mean([row.covered for row in rows])),
        "coverage_lowest": min(row.covered for row in again),
        "coverage_highest": max(row.covered for row in rows),
        "power_ratio": float(np.mean(power / np.maximum(peer, 0.01))),
        "power_ratio_of_means": float(power.mean() / peer.mean()),
        "false_equivalent": max(row.false_equivalent for row in rows),
        "peer_fwer_mean": float(np.mean([row.peer_errs for row in rows])),
        "peer_fwer_highest": max(row.peer_errs for row in rows),
    }


def as_data(row: Row) -> dict[str, object]:
    """A row for JSON."""
    found = asdict(row)
    return {**found.pop("point"), **found}


def summaries(rows: Sequence[Row]) -> Iterable[Table]:
    """The grid by each of its dimensions."""
    dimensions: dict[str, Callable[[Point], object]] = {
        "seeds": lambda point: point.seeds,
        "comparisons": lambda point: point.comparisons,
        "standard deviations": lambda point: point.spread,
        "budgets": lambda point: point.budgets,
        "images": lambda point: f"{point.kind}, {point.images:g} of seeds" if point.images else "no variance",
        "cells": lambda point: "best of 8" if point.chosen else "as they are",
    }
    table = _table("all points of the grid, by each of its dimensions", "coverage mean", "least", "most")
    for name, of in dimensions.items():
        table.add_section()
        for level in dict.fromkeys(of(row.point) for row in rows):
            _add(
                table,
                f"{level} {name}" if isinstance(level, int) else str(level),
                [r for r in rows if of(r.point) == level],
            )
    table.add_section()
    _add(table, "all", rows)
    return [table]


def _table(title: str, *columns: str) -> Table:
    return figures_table(
        title, "", *columns, "errors before", "power at 1", "2", "3 sd", "before at 1", "2", "3 sd", "false equivalent"
    )


def _add(table: Table, name: str, rows: Sequence[Row]) -> None:
    covered = [row.covered for row in rows]
    table.add_row(name, percent(np.mean(covered)), percent(min(covered)), percent(max(covered)), *_shares(rows))


def rows_table(title: str, rows: Sequence[Row]) -> Table:
    """A line for each point."""
    table = _table(title, "coverage")
    for row in rows:
        p = row.point
        images = f"{p.kind} images {p.images:g}" if p.images else "no image variance"
        name = f"{p.seeds} seeds, {p.comparisons} comparisons, {p.spread}, {images}{', best of 8' if p.chosen else ''}"
        table.add_row(name, percent(row.covered), *_shares([row]))
    return table


def _shares(rows: Sequence[Row]) -> list[str]:
    power, peer = (np.mean([getattr(row, name) for row in rows], axis=0) for name in ("power", "peer_power"))
    errs = np.mean([row.peer_errs for row in rows])
    return [*map(percent, [errs, *power, *peer]), percent(max(row.false_equivalent for row in rows))]


def counts_table(points: Sequence[Point], covered: Sequence[float], studies: int) -> Table:
    """A line for each point drawn as counts."""
    table = figures_table(f"drawn as confusion counts, {studies} studies each", "", "coverage")
    for point, share in zip(points, covered, strict=True):
        name = f"{point.seeds} seeds, {point.comparisons} comparisons, {point.kind}, image effects {point.images:g}"
        table.add_row(name, percent(share))
    return table


def conclusion(rows: Sequence[Row], figures: dict[str, float]) -> str:
    """The figures in a sentence."""
    shown = {name: percent(figure) for name, figure in figures.items()}
    return (
        f"{len(rows)} points, {rows[0].studies} studies each: family-wise error {shown['fwer_mean']} on average, "
        f"{shown['fwer']} at the worst point drawn again; simultaneous coverage {shown['coverage']} "
        f"({shown['coverage_lowest']} to {shown['coverage_highest']}); {figures['power_ratio']:.2f} times the power of "
        f"the rule before ({figures['power_ratio_of_means']:.2f} times in the mean over all), whose family-wise error "
        f"is {shown['peer_fwer_mean']} on average and {shown['peer_fwer_highest']} at worst; a difference as large as "
        f"the margin is called equivalent in at most {shown['false_equivalent']} of studies."
    )


def percent(share: float | np.floating) -> str:
    """E.g. `95.2%`."""
    return f"{100 * share:.1f}%"


if __name__ == "__main__":
    sys.exit(run("inference", __doc__, measure))
