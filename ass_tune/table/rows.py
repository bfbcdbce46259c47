"""The numbers of the final table, computed from the ledger."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from ass_tune.cell_search import CellSearch, best_entry
from ass_tune.cells import LeftOut
from ass_tune.ledger import Entry
from ass_tune.trial import Cell, Outcome
from trainables.config import Value

LEVEL = 0.95
"""Coverage of the intervals of gains."""


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation over seeds, in mIoU points; the deviation of one seed is NaN."""

    mean: float
    std: float
    n: int


@dataclass(frozen=True)
class Gain:
    """Mean difference to the baseline over the seeds both ran with, and its half-width at 95% (paired t)."""

    mean: float
    half_width: float
    n: int


@dataclass(frozen=True)
class Row:
    """One cell of the study."""

    cell: Cell
    select: Spread | None
    report: Spread | None
    gain: Gain | None
    """None for the baseline itself and where it has no counterpart."""
    is_baseline: bool
    hyperparameters: Mapping[str, Value]
    finished: int
    pruned: int
    diverged: int
    failed: int


def table_rows(searches: Sequence[CellSearch], left_out: Sequence[LeftOut], baseline: Mapping[str, Value]) -> list[Row]:
    """One row per cell, in the order of the study.

    Args:
        searches: the cells as the ledger has them.
        left_out: cells that share the result of another one serve as its name in look-ups of baselines.
        baseline: levels of some factors; a cell's baseline has these levels and its own otherwise.
    """
    results = {search.plan.cell: search.results() for search in searches}
    aliases = {left.cell: left.same_as for left in left_out if left.same_as is not None}
    return [_row(search, results, aliases, baseline) for search in searches]


def spread(values: Sequence[float]) -> Spread | None:
    """Mean and sample standard deviation; None of nothing."""
    if not values:
        return None
    return Spread(float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else math.nan, len(values))


def paired_gain(ours: Mapping[int, float], baseline: Mapping[int, float]) -> Gain | None:
    """Mean difference over common seeds with the half-width of its t-interval; None without common seeds."""
    seeds = sorted(ours.keys() & baseline.keys())
    if not seeds:
        return None
    differences = np.array([ours[seed] - baseline[seed] for seed in seeds])
    if len(seeds) == 1:
        return Gain(float(differences[0]), math.nan, 1)
    half_width = stats.t.ppf(0.5 + LEVEL / 2, len(seeds) - 1) * stats.sem(differences)
    return Gain(float(differences.mean()), float(half_width), len(seeds))


def _row(
    search: CellSearch,
    results: Mapping[Cell, Mapping[int, Entry]],
    aliases: Mapping[Cell, Cell],
    baseline: Mapping[str, Value],
) -> Row:
    cell = search.plan.cell
    against = Cell(tuple((factor, baseline.get(factor, level)) for factor, level in cell.factors))
    against = aliases.get(against, against)
    is_baseline = bool(baseline) and against == cell
    gain = None
    if baseline and not is_baseline and against in results:
        gain = paired_gain(_report_mious(results[cell]), _report_mious(results[against]))
    entries = [*search.tuning_entries(), *search.replicate_entries()]
    best = best_entry(search.tuning_entries())
    outcomes = [entry.outcome for entry in entries]
    return Row(
        cell=cell,
        select=spread([e.select_miou for e in results[cell].values() if e.select_miou is not None]),
        report=spread(list(_report_mious(results[cell]).values())),
        gain=gain,
        is_baseline=is_baseline,
        hyperparameters=best.hyperparameters if best else {},
        finished=outcomes.count(Outcome.FINISHED),
        pruned=outcomes.count(Outcome.PRUNED),
        diverged=outcomes.count(Outcome.DIVERGED),
        failed=outcomes.count(Outcome.FAILED),
    )


def _report_mious(entries: Mapping[int, Entry]) -> dict[int, float]:
    return {seed: entry.result["report/miou"] for seed, entry in entries.items()}
