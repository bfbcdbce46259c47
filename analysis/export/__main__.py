"""`python -m analysis.export STUDY`: everything that a study recorded as one Parquet data set."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from analysis.dataset.files import LAYOUTS
from analysis.experiments import chosen_uri, mlflow_errors_as_mistakes, tags_of_experiment
from analysis.export.write import everything, only_table, write_export
from analysis.load import load_study, study_at
from analysis.readers.export import experiment_tags, is_export, left_out_of
from analysis.readers.folder import experiment_tags_of_folder, is_study_folder
from trainables.command_line import as_process
from trainables.mistakes import ExitCode, UserMistake

PROGRAM = "python -m analysis.export"
EXPORTS = Path("exports")


@dataclass(frozen=True)
class Arguments:
    """What the command line says."""

    study: str
    tracking_uri: str | None
    out: Path | None
    only_table: bool


def main(argv: list[str] | None = None, program: str = PROGRAM) -> ExitCode:
    """Export a study; returns the exit code."""
    arguments = _parse(argv, program)
    console = Console(soft_wrap=True, markup=False, highlight=False)
    try:
        _export(console, arguments)
    except (UserMistake, OSError) as mistake:
        print(mistake, file=sys.stderr)
        return ExitCode.USER_MISTAKE
    except KeyboardInterrupt:
        print("Interrupted: nothing was exported, and an older export stays.", file=sys.stderr)
        return ExitCode.INTERRUPTED
    return ExitCode.FINISHED


def _export(console: Console, arguments: Arguments) -> None:
    source = Path(arguments.study).resolve()
    uri = chosen_uri(arguments.tracking_uri)
    with mlflow_errors_as_mistakes(uri):
        study = load_study(arguments.study, arguments.tracking_uri)
        out = (arguments.out or EXPORTS / study.name).resolve()
        if out == source:
            raise UserMistake(f"{out} would replace itself: choose another --out")
        if is_export(source):
            tags, before = experiment_tags(source), left_out_of(source)
        elif "://" in arguments.study:
            tags, before = experiment_tags_of_folder(study_at(arguments.study)), []
        elif is_study_folder(source):
            tags, before = experiment_tags_of_folder(source), []
        else:
            tags, before = tags_of_experiment(study.name, uri), []
        keeps, without = only_table(study) if arguments.only_table else (everything, [])
        left_out = [*before, *(words for words in without if words not in before)]
        write_export(study, tags, out, keeps, left_out)
    console.print(_contents(out))
    console.print(f"study {study.name}, read back and found the same: {arguments.out or EXPORTS / study.name}")
    if left_out:
        console.print(f"left out: {'; '.join(left_out)}")


def _contents(folder: Path) -> Table:
    table = Table("file", box=None)
    for title in ("rows", "kB"):
        table.add_column(title, justify="right")
    sizes = {name: path.stat().st_size for name in LAYOUTS if (path := folder / f"{name}.parquet").exists()}
    for name, size in sizes.items():
        rows = pq.read_metadata(folder / f"{name}.parquet").num_rows
        table.add_row(f"{name}.parquet", f"{rows}", f"{size / 1000:.1f}")
    table.add_row("together", "", f"{sum(sizes.values()) / 1000:.1f}")
    return table


def _parse(argv: list[str] | None, program: str) -> Arguments:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Write what MLflow has of a study as one Parquet data set, which `analysis` reads like MLflow.",
    )
    parser.add_argument(
        "study", metavar="STUDY", help="its name in MLflow, its own folder, or the folder of another export of it"
    )
    parser.add_argument("--tracking-uri", metavar="URI", help="else $MLFLOW_TRACKING_URI, else studies/mlflow.db")
    parser.add_argument("--out", type=Path, metavar="DIR", help=f"folder of the export; else {EXPORTS}/STUDY")
    parser.add_argument(
        "--only-table",
        action="store_true",
        help="leave out artifacts that the table is not made of and those that can be made again: small enough for git",
    )
    found = parser.parse_args(argv)
    return Arguments(found.study, found.tracking_uri, found.out, found.only_table)


if __name__ == "__main__":
    sys.exit(as_process(main))
