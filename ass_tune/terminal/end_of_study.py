"""The end of a study: the table on the terminal and in MLflow, and where to look further."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console

from ass_tune.arguments import Arguments, ExitCode
from ass_tune.credentials import without_credentials
from ass_tune.ledger.ledger import JOURNAL
from ass_tune.search.director import Director
from ass_tune.spec import StudySpec
from ass_tune.table.rows import Row
from ass_tune.table.write import terminal_table
from ass_tune.terminal.report_page import write_report
from ass_tune.tracker.destination import sync_command
from ass_tune.tracker.records import Status
from ass_tune.tracker.store import mlflow_store
from ass_tune.tracker.tracker import Tracker
from trainables.storage import Storage

SECONDS_FOR_MLFLOW = 120.0
"""How long the end of a study waits for MLflow to take what is still in the outbox."""


def farewell(
    console: Console,
    spec: StudySpec,
    arguments: Arguments,
    folder: Storage,
    director: Director,
    tracker: Tracker,
    rows: Sequence[Row],
    tables: Mapping[str, str],
    stopped: str | None,
) -> ExitCode:
    """Show and record the table, so far where trials still run or something `stopped` the study; the exit code."""
    interrupted, failed = bool(director.running or stopped), sum(row.failed for row in rows)
    for file in tables.values():
        tracker.study_file(file, "tables")
    tracker.table_is_of([run for row in rows for run in row.runs])
    tracker.describe(folder.read_bytes(tables["md"]).decode())
    console.print(terminal_table(f"study {spec.study}" + (" so far" if interrupted else ""), rows))
    console.print(f"table: {folder.local_path(tables['md'])} (also .csv, .png)", soft_wrap=True)
    if not interrupted:
        write_report(console, spec.study, arguments, folder, tracker, SECONDS_FOR_MLFLOW)
    tracker.end(Status.KILLED if interrupted else Status.FINISHED)
    waiting = tracker.close(SECONDS_FOR_MLFLOW)
    if waiting:
        command = sync_command(spec.study, arguments.studies)
        console.print(f"{waiting} records wait for MLflow ({tracker.trouble});", soft_wrap=True, markup=False)
        console.print(f"they are sent by its next start or by: {command}", soft_wrap=True, markup=False)
    store = mlflow_store(arguments.studies, arguments.tracking_uri)
    if store.display.startswith("sqlite"):
        console.print(f"MLflow: mlflow ui --backend-store-uri {store.display}", soft_wrap=True)
    else:
        console.print(f"MLflow: {store.display}, experiment {spec.study}", soft_wrap=True)
    if address := tracker.address_of_table:
        console.print(f"the table in MLflow: {address}", soft_wrap=True, markup=False, highlight=False)
    ledger = without_credentials(arguments.ledger) if arguments.ledger else folder.local_path(JOURNAL)
    console.print(f"Optuna: optuna-dashboard {ledger}", soft_wrap=True)
    if stopped is not None:
        console.print(f"Paused: {stopped}", style="bold red", soft_wrap=True, markup=False)
        console.print("Nothing is lost. Once that is mended, run the same command again to go on.", style="bold")
        return ExitCode.INCOMPLETE
    if interrupted:
        console.print("Interrupted: nothing is lost. Run the same command again to go on.", style="bold")
        return ExitCode.INTERRUPTED
    if failed:
        console.print(f"{failed} trials failed; their errors are in MLflow's tag `error`.", style="bold red")
    return ExitCode.INCOMPLETE if failed else ExitCode.FINISHED
