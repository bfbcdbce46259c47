"""The numbers of the final table, computed from the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.statistics.seeds import Difference, Mean, mean_over_seeds, paired_difference
from ass_tune.ledger.ledger import Entry
from ass_tune.search.cell_search import CellSearch, best_entry
from ass_tune.search.cells import LeftOut
from trainables.config import Value
from trainables.words import Cell, Outcome


@dataclass(frozen=True)
class Row:
    """One cell of the study."""

    cell: Cell
    select: Mean | None
    report: Mean | None
    gain: Difference | None
    """None for the baseline itself and where it has no counterpart."""
    is_baseline: bool
    hyperparameters: Mapping[str, Value]
    finished: int
    pruned: int
    diverged: int
    failed: int
    runs: tuple[str, ...] = ()
    """Identities in the record of the runs that it is made of."""


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
        gain = paired_difference(_report_mious(results[cell]), _report_mious(results[against]))
    entries = [*search.tuning_entries(), *search.replicate_entries()]
    best = best_entry(search.tuning_entries())
    outcomes = [entry.outcome for entry in entries]
    return Row(
        cell=cell,
        select=_mean([e.select_miou for e in results[cell].values() if e.select_miou is not None]),
        report=_mean(list(_report_mious(results[cell]).values())),
        gain=gain,
        is_baseline=is_baseline,
        hyperparameters=best.hyperparameters if best else {},
        finished=outcomes.count(Outcome.FINISHED),
        pruned=outcomes.count(Outcome.PRUNED),
        diverged=outcomes.count(Outcome.DIVERGED),
        failed=outcomes.count(Outcome.FAILED),
        runs=search.result_runs(),
    )


def _report_mious(entries: Mapping[int, Entry]) -> dict[int, float]:
    return {seed: entry.result["report/miou"] for seed, entry in entries.items()}


def _mean(values: Sequence[float]) -> Mean | None:
    return mean_over_seeds(values) if values else None
