"""Tables of learning curves that anybody recorded, cut so that the runs of a cell are compared at equal steps.

Columns: `cell`, `configuration` or `lr`, `seed`, `step`, `value` (higher is better) and, where there is another split
that reports, `report`. A value that is no finite number is that of a diverged run.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from ass_tune.replay.curve_set import DIVERGED, CurveSet, RecordedCell
from ass_tune.spec.errors import names
from trainables.mistakes import UserMistake, nearest
from trainables.words import Cell

SUFFIXES = (".parquet", ".csv")
FEWEST_EVALUATIONS = 12
"""Cells in which a run has fewer before the cut are left out."""
NUMBERS = ("seed", "step", "value")


def read_table(file: Path, iterations: tuple[int, ...]) -> CurveSet:
    """The curves of a table, brought to the reports of a study.

    Every cell is cut at the smallest last step of its runs, and what is left is one training of the study. A report
    is the newest evaluation at its time, never a later one; no curve is carried on beyond its end.

    Args:
        file: Parquet or CSV.
        iterations: of a study's reports; the last one is the end of training.

    Raises UserMistake, with everything that is wrong.
    """
    rows = _rows(file)
    which = "lr" if "lr" in rows else "configuration"
    cells: list[RecordedCell] = []
    left_out: list[tuple[str, str]] = []
    for name, of_cell in rows.groupby("cell", sort=False):
        found = _cell(str(name), of_cell, which, np.array(iterations))
        cells += [found] if isinstance(found, RecordedCell) else []
        left_out += [(str(name), found)] if isinstance(found, str) else []
    if not cells:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out[:5]) or "it has no rows"
        raise UserMistake(f"{file}: no cell can be replayed: {reasons}")
    return CurveSet(file.stem, tuple(cells), iterations, tuple(left_out))


def _rows(file: Path) -> pd.DataFrame:
    """The table as it is, with its columns checked."""
    if not file.is_file():
        others = [path.name for suffix in SUFFIXES for path in file.parent.glob(f"*{suffix}")]
        raise UserMistake(f"{file}: found no such file{nearest(file.name, sorted(others))}")
    if file.suffix not in SUFFIXES:
        raise UserMistake(f"{file}: found a file that ends in '{file.suffix}'; allowed: {names(SUFFIXES)}")
    try:
        read = pyarrow.parquet.read_table if file.suffix == ".parquet" else pyarrow.csv.read_csv
        table: pa.Table = read(file)
    except (pa.ArrowInvalid, OSError) as error:
        raise UserMistake(f"{file}: found no table that can be read: {str(error).splitlines()[0]}") from None
    if wrong := _wrong_columns(table):
        raise UserMistake("\n".join(f"{file}: {one}" for one in wrong))
    return table.to_pandas()


def _wrong_columns(table: pa.Table) -> list[str]:
    there = table.column_names
    wrong = [f"column {name}: missing{nearest(name, there)}" for name in ("cell", *NUMBERS) if name not in there]
    which = [name for name in ("configuration", "lr") if name in there]
    if len(which) != 1:
        wrong.append(f"found {names(which)}; allowed: one of the columns configuration and lr")
    for name in {*NUMBERS, *which, "report"} & {*there}:
        kind = table.schema.field(name).type
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
            wrong.append(f"column {name}: found {kind}; allowed: numbers")
        elif name not in ("value", "report") and (empty := _empty(table[name])):
            wrong.append(f"column {name}: {empty} of {len(table)} rows have no number; allowed: none")
    return sorted(wrong)


def _empty(column: pa.ChunkedArray) -> int:
    return int((~np.isfinite(column.to_pandas().to_numpy(np.float64))).sum())


@dataclass(frozen=True)
class _Run:
    """Columns of one run, in the order of steps."""

    steps: NDArray[np.float64]
    values: NDArray[np.float64]
    reports: NDArray[np.float64]


def _runs(rows: pd.DataFrame, which: str) -> dict[tuple[float, int], _Run]:
    """The runs of a cell by configuration and seed."""
    rows = rows.sort_values([which, "seed", "step"], kind="stable")
    keys = list(zip(rows[which].tolist(), rows["seed"].tolist(), strict=True))
    begins = [at for at, key in enumerate(keys) if at == 0 or key != keys[at - 1]]
    columns = [rows[name].to_numpy(np.float64) for name in ("step", "value", "report" if "report" in rows else "value")]
    parts = zip(*(np.split(column, begins[1:]) for column in columns), strict=True)
    return {keys[at]: _Run(*part) for at, part in zip(begins, parts, strict=True)}


def _cell(name: str, rows: pd.DataFrame, which: str, iterations: NDArray[np.int64]) -> RecordedCell | str:
    """One cell, or why it is left out."""
    of_runs = _runs(rows, which)
    cut = min(float(run.steps[-1]) for run in of_runs.values())
    steps = cut * iterations / iterations[-1]
    configurations, seeds = _whole(list(of_runs))
    if len(configurations) < 2:
        return "a single configuration, among which there is nothing to choose"
    values = np.empty((len(configurations), len(seeds), len(steps)))
    results = np.empty(values.shape[:2])
    for at in np.ndindex(results.shape):
        run = of_runs[configurations[at[0]], seeds[at[1]]]
        evaluations = int(run.steps.searchsorted(cut, side="right"))
        if evaluations < FEWEST_EVALUATIONS:
            return f"{evaluations} evaluations up to step {cut:.0f}, at which its shortest run ends"
        newest = run.steps.searchsorted(steps, side="right") - 1
        if newest[0] < 0:
            return f"a first evaluation at step {run.steps[0]:.0f}, after the first report"
        values[at] = _until_divergence(run.values[newest])
        last = run.reports[evaluations - 1]
        results[at] = last if np.isfinite(last) and np.isfinite(values[(*at, -1)]) else DIVERGED
    objectives = np.where(results == DIVERGED, DIVERGED, values[:, :, -1])
    pace, places = np.ones(results.shape), tuple(range(len(configurations)))
    factors = Cell((("cell", name),))
    return RecordedCell(factors, configurations, which == "lr", seeds, values, objectives, results, pace, places)


def _whole(runs: list[tuple[float, int]]) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """The seeds under which the most configurations were trained, and the configurations trained under all of these."""
    seeds = sorted({seed for _, seed in runs})
    under = {seed: {which for which, other in runs if other == seed} for seed in seeds}
    most = max(map(len, under.values()))
    chosen = tuple(seed for seed in seeds if len(under[seed]) == most)
    return tuple(sorted(set.intersection(*(under[seed] for seed in chosen)))), chosen


def _until_divergence(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Diverged at the first value that is not finite, and nothing after it."""
    broken = np.flatnonzero(~np.isfinite(values))
    if len(broken):
        values = values.copy()
        values[broken[0]], values[broken[0] + 1 :] = DIVERGED, np.nan
    return values
