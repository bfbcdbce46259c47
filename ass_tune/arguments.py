"""The command line of `python -m ass_tune.run`."""

from __future__ import annotations

import argparse
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ass_tune.limit import TimeLimit
from ass_tune.places import Studies
from trainables.mistakes import UserMistake

PROGRAM = "python -m ass_tune.run"
Instead = Literal["plan", "status"]
"""What a command does instead of running the study."""


@dataclass(frozen=True)
class Arguments:
    """What a command line, or a caller in Python, asks for; paths are absolute."""

    studies: Studies
    ledger: str | None
    data_root: Path | None
    tracking_uri: str | None = None
    address: str | None = None
    ship_code: bool = False
    fresh: bool = False
    report: bool = True
    file: Path = Path()
    """As it was written: a path, or the name of a shipped file; only for command lines."""
    overrides: tuple[str, ...] = ()
    plan: bool = False
    step_time: float | None = None
    limit: TimeLimit | None = None
    status: bool = False
    json: bool = False


def ledger_url(given: str | None) -> str | None:
    """The database of the ledger: the one given, else `$ASS_LEDGER`, else None for a file of the study."""
    return given or os.environ.get("ASS_LEDGER")


def data_folder(given: str | Path | None) -> Path | None:
    """The folder of the real data sets: the one given, else `$ASS_DATA_ROOT`, else None."""
    folder = given or os.environ.get("ASS_DATA_ROOT")
    return Path(folder).resolve() if folder else None


def time_limit(given: str | None) -> TimeLimit | None:
    """The limit of a study that begins now. Raises UserMistake where the text is none."""
    try:
        return None if given is None else TimeLimit.from_now(given)
    except ValueError as error:
        raise UserMistake(f"limit: {error}") from None


def parse(argv: list[str] | None, program: str = PROGRAM, instead: Instead | None = None) -> Arguments:
    """Arguments of a command line; exits with code 2 and a message where it is wrong.

    Args:
        argv: the command line without the program; None for that of the process.
        program: how the command was called, for its usage.
        instead: what the command always does; None where an option says so.
    """
    parser = argparse.ArgumentParser(prog=program, description=_DESCRIPTIONS[instead])
    parser.add_argument(
        "file", type=Path, help="search-space file (YAML), or the name of one that ships with the package, e.g. csa"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="override a field of the file, e.g. train.iterations=900; may be repeated, and the last one for a field "
        "counts. VALUE is YAML: a mapping is merged with the file's, anything else replaces what is there. null takes "
        "away: tune=null all hyperparameters, tune.lr=null one of them, prune=null the whole section; only under "
        "fixed, null is itself a value",
    )
    parser.set_defaults(plan=instead == "plan", status=instead == "status", fresh=False, step_time=None, limit=None)
    if instead is None:
        choices = parser.add_mutually_exclusive_group()
        choices.add_argument("--plan", action="store_true", help="show what would run and what it would cost, and stop")
        choices.add_argument("--status", action="store_true", help="show where the study stands, and stop")
        choices.add_argument(
            "--fresh",
            action="store_true",
            help="move what the study has out of the way, and start it again from nothing",
        )
    if instead != "status":
        parser.add_argument(
            "--step-time",
            type=_seconds,
            metavar="SECONDS",
            help=("" if instead else "with --plan: ") + "seconds of one training iteration, instead of measuring it",
        )
    parser.add_argument("--json", action="store_true", help="show the plan or the status as JSON")
    parser.add_argument("--no-report", action="store_true", help="do not write the report page at the end")
    parser.add_argument(
        "--studies",
        default="studies",
        metavar="DIR",
        help="folder of all studies, or its URL, e.g. s3://bucket/prefix; then what only a disk can do, the lock, the "
        "outbox and a ledger that is no database, is in studies/.driver",
    )
    parser.add_argument(
        "--ledger",
        metavar="URL",
        help="database of the ledger, e.g. postgresql://...; by default a file in the study's folder",
    )
    parser.add_argument(
        "--data-root", type=Path, metavar="DIR", help="folder of the real data sets; by default $ASS_DATA_ROOT"
    )
    parser.add_argument(
        "--tracking-uri",
        metavar="URI",
        help="where MLflow is; by default $MLFLOW_TRACKING_URI, or else DIR/mlflow.db",
    )
    if instead is None:
        parser.add_argument(
            "--limit",
            type=_limit,
            metavar="TIME",
            help="end before this time is over, e.g. 7h45m, 90m or 2d, with everything saved; the same command goes on",
        )
    parser.add_argument("--address", metavar="ADDRESS", help="join this Ray cluster instead of starting a local Ray")
    parser.add_argument(
        "--ship-code",
        action="store_true",
        help="with --address: send the code of ass_tune to the nodes, which then need no installation of it",
    )
    found = parser.parse_args(argv)
    ledger = ledger_url(found.ledger)
    if found.fresh and ledger:
        parser.error(
            "--fresh moves the study's folder away; for a ledger in a database, choose another name: --set study=NAME"
        )
    if found.ship_code and found.address is None:
        parser.error("--ship-code is for clusters: a local Ray has the driver's code; give --address as well")
    if found.step_time is not None and not found.plan:
        parser.error("--step-time is for --plan only: a study that runs measures its own times")
    if found.limit is not None and (found.plan or found.status):
        parser.error("--limit is for a study that runs, and neither for --plan nor for --status")
    try:
        studies = Studies.at(found.studies)
    except UserMistake as mistake:
        parser.error(str(mistake))
    return Arguments(
        file=found.file,
        overrides=tuple(found.set),
        plan=found.plan,
        step_time=found.step_time,
        limit=found.limit,
        status=found.status,
        json=found.json,
        fresh=found.fresh,
        report=not found.no_report,
        studies=studies,
        ledger=ledger,
        data_root=data_folder(found.data_root),
        tracking_uri=found.tracking_uri,
        address=found.address,
        ship_code=found.ship_code,
    )


_DESCRIPTIONS: dict[Instead | None, str] = {
    None: "Run the study that a search-space file asks for, or what is left of it.",
    "plan": "Show what a study would run and what that costs, without training anything.",
    "status": "Show where a study stands, without starting or changing anything.",
}


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"found {text!r}; allowed: a number of seconds above 0")
    return seconds


def _limit(text: str) -> TimeLimit:
    try:
        return TimeLimit.from_now(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
