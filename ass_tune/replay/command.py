"""`ass-tune replay SPACE --curves FILE|STUDY`: what a file's search would have cost and found on recorded curves."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import track

from ass_tune.replay.curve_set import CurveSet
from ass_tune.spec import SpecErrors, StudySpec, load
from ass_tune.wording import WIDTH_OF_FILES
from trainables.command_line import as_process
from trainables.mistakes import ExitCode, UserMistake

PROGRAM = "ass-tune replay"
TABLES = (".parquet", ".csv")
REPEATS_OF_A_TABLE = 200


def main(argv: list[str] | None = None, program: str = PROGRAM) -> ExitCode:
    """Replay the search that a file asks for; returns the exit code."""
    arguments = _parse(argv, program)
    console = Console(width=None if sys.stdout.isatty() else WIDTH_OF_FILES, markup=False, emoji=False)
    try:
        spec = load(arguments.file, arguments.set)
        curves = read_curves(arguments.curves, spec)
        _show(console, spec, curves, arguments)
    except (SpecErrors, UserMistake) as mistake:
        print(mistake, file=sys.stderr)
        return ExitCode.USER_MISTAKE
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return ExitCode.INTERRUPTED
    return ExitCode.FINISHED


def read_curves(source: str, spec: StudySpec) -> CurveSet:
    """A table, or the tuning trials of a study: its folder, its export, or its name in MLflow. Raises UserMistake."""
    from ass_tune.replay.curve_table import read_table
    from ass_tune.replay.recorded_study import curves_of

    iterations = tuple(spec.train.reports)
    if Path(source).suffix in TABLES or Path(source).is_file():
        return read_table(Path(source), iterations)
    from analysis.load import load_study

    try:
        study = load_study(source)
    except UserMistake as mistake:
        raise UserMistake(f"--curves {source}: found no table, study folder or export there; {mistake}") from None
    return curves_of(study, iterations)


def _show(console: Console, spec: StudySpec, curves: CurveSet, arguments: argparse.Namespace) -> None:
    from ass_tune.replay.replay import replay
    from ass_tune.replay.summary import said_of, summaries, summary_table

    is_table = Path(arguments.curves).suffix in TABLES
    repeats = arguments.repeats or (REPEATS_OF_A_TABLE if is_table else 1)
    counted = track(range(repeats), "replaying", console=Console(stderr=True), transient=True, disable=arguments.json)
    found = summaries(curves, [replay(spec, curves, arguments.workers, repeat) for repeat in counted])
    if arguments.json:
        cells = [{**asdict(one), "saved": one.saved} for one in found]
        print(json.dumps({"repeats": repeats, "workers": arguments.workers, "cells": cells}, indent=2))
        return
    order = "in recorded order" if repeats == 1 else f"mean of {repeats} repeats"
    title = f"{spec.study} on {curves.name}: pruner {spec.prune.pruner}, {arguments.workers} workers, {order}"
    console.print(summary_table(title, found))
    for line in [*said_of(found, curves.complete), *_left_out(curves)]:
        console.print(line, soft_wrap=True)


def _left_out(curves: CurveSet) -> list[str]:
    if not curves.left_out:
        return []
    name, reason = curves.left_out[0]
    return [f"left out: {len(curves.left_out)} cells of the record, {name} for example: {reason}"]


def _parse(argv: list[str] | None, program: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Replay the search of a study under virtual time on recorded learning curves: how many iterations "
        "its pruner saves, and what that costs. Nothing is trained. Cells and configurations are those of the record.",
    )
    parser.add_argument("file", type=Path, help="search-space file (YAML), or the name of a shipped one, e.g. csa")
    parser.add_argument(
        "--curves",
        required=True,
        metavar="FILE|STUDY",
        help="a table (.parquet or .csv) with the columns cell, configuration or lr, seed, step, value and perhaps "
        "report; or a study that was run: its folder, its export, or its name in MLflow",
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="FIELD=VALUE", help="override a field of the file, as in `run`"
    )
    parser.add_argument("--workers", type=_count, default=8, metavar="N", help="trials that run at once; by default 8")
    parser.add_argument(
        "--repeats",
        type=_count,
        metavar="N",
        help="replays, the first in recorded order and every other one in an order of its own; by default "
        f"{REPEATS_OF_A_TABLE} of a table and 1 of a study",
    )
    parser.add_argument("--json", action="store_true", help="show the figures as JSON")
    return parser.parse_args(argv)


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"found {text!r}; allowed: a whole number from 1 to 1000000")
    return int(text)


if __name__ == "__main__":
    sys.exit(as_process(main))
