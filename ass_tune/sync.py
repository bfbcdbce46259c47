"""`python -m ass_tune.sync STUDY`: bring to MLflow what a study could not deliver while it ran.

Neither Ray nor the method is needed for that, so neither is imported.
"""

from __future__ import annotations

import argparse
import sys
import threading
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from analysis.records import OUTBOX
from ass_tune.ledger.lock import study_lock
from ass_tune.ledger.safe_paths import check_inside
from ass_tune.places import Studies, check_reachable
from ass_tune.spec.errors import names
from ass_tune.tracker.destination import STUDIES, reachable_store, study_identity
from ass_tune.tracker.records_copy import records_kept
from ass_tune.tracker.tracker import Tracker
from trainables.command_line import as_process
from trainables.mistakes import CannotRecord, ExitCode, UserMistake, nearest
from trainables.storage import Storage

PROGRAM = "python -m ass_tune.sync"
_BAR = 40
"""Columns of the progress bar."""


@dataclass(frozen=True)
class SyncArguments:
    """What the command line says; `timeout` in seconds."""

    study: str
    studies: Studies
    tracking_uri: str | None
    timeout: float


def main(argv: list[str] | None = None, program: str = PROGRAM) -> ExitCode:
    """Deliver what waits in a study's outbox; returns the exit code, INCOMPLETE where some of it still waits."""
    arguments = _parse(argv, program)
    console = Console(soft_wrap=True, markup=False, highlight=False)
    try:
        files, disk = _study_folder(arguments), arguments.studies.disk_of(arguments.study)
        with study_lock(disk), records_kept(files, disk):
            return deliver(console, arguments, files)
    except UserMistake as mistake:
        print(mistake, file=sys.stderr)
        return ExitCode.USER_MISTAKE
    except CannotRecord as problem:
        print(problem, file=sys.stderr)
        return ExitCode.INCOMPLETE
    except KeyboardInterrupt:
        print("Interrupted: nothing is lost.", file=sys.stderr)
        return ExitCode.INTERRUPTED


def deliver(console: Console, arguments: SyncArguments, folder: Storage) -> ExitCode:
    """Drain the outbox as the study's only driver. Raises UserMistake where it is not clear into which MLflow."""
    studies = arguments.studies
    store = reachable_store(folder, studies.folder, arguments.tracking_uri)
    disk, identity = studies.disk_of(arguments.study), study_identity(folder)
    tracker = Tracker(arguments.study, disk, store, files=folder, instance=identity)
    waiting_before, total = tracker.waiting, tracker.waiting + tracker.set_aside
    interrupted = False
    with Live(console=console, get_renderable=lambda: _progress(tracker, waiting_before), transient=True):
        try:
            waiting = tracker.close(arguments.timeout)
        except KeyboardInterrupt:
            interrupted, waiting = True, tracker.close(0)
    refused = tracker.set_aside
    console.print(f"study {arguments.study}: {total - waiting - refused} records delivered to {store.display}")
    if refused:
        console.print(f"{refused} records were refused by MLflow and set aside in {tracker.path_of_set_aside}")
    if waiting:
        reason = "interrupted" if interrupted else tracker.trouble
        console.print(f"{waiting} records wait ({reason}); nothing is lost, run this command again")
    if interrupted:
        return ExitCode.INTERRUPTED
    return ExitCode.INCOMPLETE if waiting or refused else ExitCode.FINISHED


def _parse(argv: list[str] | None, program: str) -> SyncArguments:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Deliver to MLflow what a study could not while it ran.",
    )
    parser.add_argument("study", help="name of the study")
    parser.add_argument("--studies", default=STUDIES, metavar="DIR", help="folder of all studies, or its URL")
    parser.add_argument("--tracking-uri", metavar="URI", help="MLflow; else the one in which the study was recorded")
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=threading.TIMEOUT_MAX,
        metavar="S",
        help="seconds to take at most; else as long as MLflow answers",
    )
    found = parser.parse_args(argv)
    try:
        studies = Studies.at(found.studies)
    except UserMistake as mistake:
        parser.error(str(mistake))
    return SyncArguments(found.study, studies, found.tracking_uri, found.timeout)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= threading.TIMEOUT_MAX:
        raise argparse.ArgumentTypeError(f"found {text}; allowed: a number above 0")
    return seconds


def _study_folder(arguments: SyncArguments) -> Storage:
    if arguments.studies.is_local:
        studies = sorted(path.parent.name for path in arguments.studies.folder.glob(f"*/{OUTBOX}"))
    else:
        check_reachable(arguments.studies)
        studies = arguments.studies.files.folders("")
    if arguments.study not in studies:
        there = f"; studies there: {names(studies)}"
        raise UserMistake(
            f"no study '{arguments.study}' in {arguments.studies}{nearest(arguments.study, studies) or there}"
        )
    check_inside(arguments.studies.folder, arguments.studies.disk_of(arguments.study))
    return arguments.studies.files_of(arguments.study)


def _progress(tracker: Tracker, total: int) -> RenderableType:
    done = total - tracker.waiting
    line = Table.grid(padding=(0, 1))
    line.add_row(ProgressBar(total, done, width=_BAR), f"{done}/{total} records")
    trouble = tracker.trouble or ("waiting for MLflow to take the first records" if not done else "")
    return Group(line, Text(trouble, overflow="fold", no_wrap=False))


if __name__ == "__main__":
    sys.exit(as_process(main))
