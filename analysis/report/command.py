"""The command line of `python -m analysis.report`."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from analysis.load import load_study
from analysis.report.as_data import conclusions_json
from analysis.report.comparison import comparison_files
from analysis.report.contents import PAGE, report_files
from analysis.report.files import FOLDER, record_files, write_files
from analysis.statistics.gains import Judged
from trainables.mistakes import ExitCode, UserMistake

PROGRAM = "python -m analysis.report"


@dataclass(frozen=True)
class Arguments:
    """The command line; `studies` holds one study, or the two that are compared."""

    studies: tuple[str, ...]
    tracking_uri: str | None
    out: Path
    record: bool
    json: bool


def main(argv: list[str] | None = None, program: str = PROGRAM) -> ExitCode:
    """Write the report of a study or of a comparison of two, or print conclusions; returns the exit code."""
    arguments = _parse(argv, program)
    console = Console(soft_wrap=True, markup=False, highlight=False)
    try:
        if arguments.json:
            print(conclusions_json(Judged(load_study(arguments.studies[0], arguments.tracking_uri))), end="")
        else:
            _write(console, arguments)
    except UserMistake as mistake:
        print(mistake, file=sys.stderr)
        return ExitCode.USER_MISTAKE
    except KeyboardInterrupt:
        print("Interrupted: run the same command again for the whole report.", file=sys.stderr)
        return ExitCode.INTERRUPTED
    return ExitCode.FINISHED


def _write(console: Console, arguments: Arguments) -> None:
    studies = [load_study(name, arguments.tracking_uri) for name in arguments.studies]
    files = report_files(studies[0]) if len(studies) == 1 else comparison_files(studies[0], studies[1])
    write_files(arguments.out, files)
    console.print(f"report: {arguments.out / PAGE} (its tables and figures are in the same folder)")
    if arguments.record and len(studies) == 1 and record_files(studies[0], files):
        console.print(f"also in MLflow, among the artifacts of the study's run, under {FOLDER}/")


def _parse(argv: list[str] | None, program: str) -> Arguments:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Write what a study shows as one page that needs no network, with its tables and figures as files.",
    )
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "study", nargs="?", help="name of the study in MLflow, its own folder, or the folder of its export"
    )
    which.add_argument("--compare", nargs=2, metavar=("STUDY", "OTHER"), help="compare two studies")
    parser.add_argument(
        "--tracking-uri", metavar="URI", help="MLflow; else $MLFLOW_TRACKING_URI, else studies/mlflow.db"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for the report; else reports/STUDY")
    parser.add_argument("--local", action="store_true", help="leave the study's run in MLflow as it is")
    parser.add_argument(
        "--json", action="store_true", help="print what the study concludes as JSON instead, and write nothing"
    )
    found = parser.parse_args(argv)
    if found.json and found.compare:
        parser.error("--json is of one study: a comparison of two concludes nothing")
    studies = tuple(found.compare or (found.study,))
    out = found.out or Path("reports") / "_and_".join(Path(study).name for study in studies)
    return Arguments(studies, found.tracking_uri, out, not found.local, found.json)
