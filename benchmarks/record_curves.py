"""Writes what the benchmarks read of a study: learning curves of its tuning trials, and its table seed by seed.

`benchmarks.search_efficiency` reads the curves, `benchmarks.decide` the seeds.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from analysis.load import load_study
from analysis.study import Study
from benchmarks.command_line import PROJECT
from trainables.mistakes import ExitCode, UserMistake
from trainables.words import REPORT, SELECT

COLUMNS = ["cell", "configuration", "seed", "step", "value", "report"]
CURVES, SEEDS = (PROJECT / f"benchmarks/curves/{name}.parquet" for name in ("streets", "streets_seeds"))


def curves_of(study: Study) -> pd.DataFrame:
    """A row per report of each tuning trial that ended: cell, configuration, seed, step, value and report.

    `value` is select mIoU; `report` is that of the other images, at the last step only. A trial that diverged has no
    values from there on. Configurations are numbered in the order in which they were first tried.
    """
    every, length, report = study.settings["train"]["evaluate_every"], study.iterations, study.last(REPORT)
    curves: dict[str, dict[int, float]] = {}
    for run, iteration, value in study.metric(SELECT).itertuples(index=False):
        curves.setdefault(run, {})[iteration] = value
    numbers: dict[str, list[tuple[str, ...]]] = {}
    rows: list[tuple[object, ...]] = []
    for trial in study.frame.sort_values("number", kind="stable").to_dict("records"):
        if trial["stage"] != "tuning" or trial["outcome"] not in ("finished", "diverged"):
            continue
        content = tuple(str(trial[name]) for name in study.hyperparameters)
        known = numbers.setdefault(trial["cell"], [])
        known += [] if content in known else [content]
        curve, final = curves.get(trial["run"], {}), report.get(trial["run"])
        for step in range(every, length + 1, every):
            which = (trial["cell"], known.index(content), trial["seed"], step)
            rows.append((*which, curve.get(step), final if step == length else None))
    return pd.DataFrame(sorted(rows, key=lambda row: row[:4]), columns=COLUMNS)


def seeds_of(study: Study) -> pd.DataFrame:
    """A row per run of the table: cell, seed, and report mIoU as value."""
    report = study.last(REPORT)
    rows = [(c.name, seed, report[run]) for c in study.cells for seed, run in sorted(study.results(c).items())]
    return pd.DataFrame(rows, columns=["cell", "seed", "value"])


def main(arguments: list[str]) -> ExitCode:
    """Write both tables of a study's folder, or of a name in MLflow."""
    if len(arguments) != 1:
        print("usage: python -m benchmarks.record_curves STUDY", file=sys.stderr)
        return ExitCode.USER_MISTAKE
    try:
        study = load_study(arguments[0])
        tables = {CURVES: curves_of(study), SEEDS: seeds_of(study)}
    except UserMistake as mistake:
        print(mistake, file=sys.stderr)
        return ExitCode.USER_MISTAKE
    for file, table in tables.items():
        new = Path(f"{file}.new")
        pyarrow.parquet.write_table(pa.Table.from_pandas(table, preserve_index=False), new, compression="zstd")
        new.replace(file)
        print(f"{file}: {len(table)} rows, {table['cell'].nunique()} cells, {file.stat().st_size / 1000:.0f} kB")
    return ExitCode.FINISHED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
