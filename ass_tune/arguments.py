"""The command line of `python -m ass_tune.run`."""

from __future__ import annotations

import argparse
import math
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Arguments:
    """What the command line says; paths are absolute."""

    file: Path
    overrides: tuple[str, ...]
    plan: bool
    step_time: float | None
    status: bool
    json: bool
    fresh: bool
    report: bool
    studies: Path
    ledger: str | None
    data_root: Path | None
    tracking_uri: str | None
    address: str | None


def parse(argv: list[str] | None) -> Arguments:
    """Arguments of a command line; exits with code 2 and a message where it is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m ass_tune.run",
        description="Run the study that a search-space file describes, or what is left of it.",
    )
    parser.add_argument("file", type=Path, help="search-space file (YAML)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="override a field of the file, e.g. train.iterations=900; may be repeated",
    )
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--plan", action="store_true", help="show what would run and what it would cost, and stop")
    instead.add_argument("--status", action="store_true", help="show where the study stands, and stop")
    instead.add_argument(
        "--fresh", action="store_true", help="move what the study has out of the way, and start it again from nothing"
    )
    parser.add_argument(
        "--step-time",
        type=_seconds,
        metavar="SECONDS",
        help="with --plan: seconds of one training iteration, instead of measuring it",
    )
    parser.add_argument("--json", action="store_true", help="show the plan or the status as JSON")
    parser.add_argument("--no-report", action="store_true", help="do not write the report page at the end")
    parser.add_argument("--studies", type=Path, default=Path("studies"), metavar="DIR", help="folder of all studies")
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
    parser.add_argument("--address", metavar="ADDRESS", help="join this Ray cluster instead of starting a local Ray")
    found = parser.parse_args(argv)
    ledger = found.ledger or os.environ.get("ASS_LEDGER")
    if found.fresh and ledger:
        parser.error(
            "--fresh moves the study's folder away; for a ledger in a database, choose another name: --set study=NAME"
        )
    if found.step_time is not None and not found.plan:
        parser.error("--step-time is for --plan only: a study that runs measures its own times")
    data_root = found.data_root or (Path(root) if (root := os.environ.get("ASS_DATA_ROOT")) else None)
    return Arguments(
        file=found.file,
        overrides=tuple(found.set),
        plan=found.plan,
        step_time=found.step_time,
        status=found.status,
        json=found.json,
        fresh=found.fresh,
        report=not found.no_report,
        studies=found.studies.resolve(),
        ledger=ledger,
        data_root=data_root.resolve() if data_root else None,
        tracking_uri=found.tracking_uri,
        address=found.address,
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"found {text!r}; allowed: a number of seconds above 0")
    return seconds
