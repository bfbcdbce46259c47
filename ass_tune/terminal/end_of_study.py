"""The end of a study: its table and its report, at once from its folder; then MLflow gets them."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence

from optuna.exceptions import StorageInternalError
from rich.console import Console

from analysis.conclusions import conclusions, no_result, seeds_saved, split_note
from analysis.edges import edge_notes
from analysis.records import Status
from analysis.statistics.gains import Judged
from analysis.table import Row, table_rows
from analysis.wording import count
from ass_tune.arguments import Arguments
from ass_tune.ledger.journal import LedgerDamaged
from ass_tune.ledger.ledger import JOURNAL, count_outcomes
from ass_tune.on_ray.execution import Stop
from ass_tune.plan.power import CONCLUSIONS
from ass_tune.search.cell_search import CellSearch
from ass_tune.spec import StudySpec
from ass_tune.terminal.final_table import final_table
from ass_tune.terminal.report_page import write_report
from ass_tune.terminal.trial_errors import error_lines
from ass_tune.terminal.waiting import wait_for
from ass_tune.tracker.destination import sync_command
from ass_tune.tracker.read_back import read_back
from ass_tune.tracker.store import mlflow_store
from ass_tune.tracker.tracker import Tracker
from ass_tune.wording import format_seconds
from trainables.credentials import without_credentials
from trainables.mistakes import ExitCode, UserMistake
from trainables.storage import Storage
from trainables.words import Outcome

SECONDS_FOR_MLFLOW = 120.0
"""How long the end of a study waits for MLflow to take what is still in the outbox."""
TABLES = "tables"
"""Folder of the table's files, in the study's folder and among the artifacts of its run."""


def end_study(
    console: Console,
    spec: StudySpec,
    arguments: Arguments,
    folder: Storage,
    searches: Sequence[CellSearch],
    tracker: Tracker,
    stop: Stop | None,
) -> ExitCode:
    """Show and record what the study has, and say where to look further; returns the exit code.

    Args:
        console: of the user.
        spec: the study.
        arguments: of the command line.
        folder: the study's storage.
        searches: its cells; where trials of them still run, the study was interrupted.
        tracker: of the study; it is closed.
        stop: why the study stopped before its end, or None.
    """
    counts: Counter[Outcome | None] = Counter()
    lacking = False
    try:
        counts = count_outcomes(entry for search in searches for _, entry in search.trials())
    except (LedgerDamaged, StorageInternalError, OSError) as problem:  # what it has is there, but cannot be read now
        stop, interrupted = stop or Stop(without_credentials(str(problem)), to_mend=True), True
    else:
        interrupted = bool(counts[None] or stop)
        lacking = _show_and_record(console, spec.study, arguments, folder, searches, tracker, interrupted)
    tracker.end(Status.KILLED if interrupted else Status.FINISHED)
    patience = SECONDS_FOR_MLFLOW if arguments.limit is None else min(SECONDS_FOR_MLFLOW, arguments.limit.left / 2)
    with wait_for(f"waiting for MLflow to take the last records, at most {format_seconds(patience)}"):
        waiting = tracker.close(patience)
    command = sync_command(spec.study, arguments.studies)
    if refused := tracker.set_aside:
        text = f"{refused} records were refused by MLflow (reasons: {tracker.path_of_set_aside});"
        console.print(text, soft_wrap=True, markup=False)
        console.print(f"they are offered again by its next start or by: {command}", soft_wrap=True, markup=False)
    if waiting:
        console.print(f"{waiting} records wait for MLflow ({tracker.trouble});", soft_wrap=True, markup=False)
        console.print(f"they are sent by its next start or by: {command}", soft_wrap=True, markup=False)
    _say_where_to_look(console, spec.study, arguments, folder, tracker)
    if stop is not None and stop.to_mend:
        console.print(f"Paused: {stop.why}", style="bold red", soft_wrap=True, markup=False)
        console.print("Nothing is lost. Once that is mended, run the same command again to go on.", style="bold")
        return ExitCode.INCOMPLETE
    if interrupted:
        why = "Interrupted" if stop is None else stop.why
        console.print(f"{why}: nothing is lost. Run the same command again to go on.", style="bold")
        return ExitCode.INTERRUPTED
    for outcome in (Outcome.FAILED, Outcome.DIVERGED) if counts[Outcome.FAILED] or lacking else ():
        for line in error_lines(searches, outcome):
            console.print(line, soft_wrap=True, markup=False)
    if failed := counts[Outcome.FAILED]:
        console.print(
            f"{count(failed, 'trial')} failed; their whole errors are in MLflow's tag `error`.", style="bold red"
        )
    return ExitCode.INCOMPLETE if failed or lacking else ExitCode.FINISHED


def _show_and_record(
    console: Console,
    study: str,
    arguments: Arguments,
    folder: Storage,
    searches: Sequence[CellSearch],
    tracker: Tracker,
    interrupted: bool,
) -> bool:
    """The table, so far where the study was interrupted, else also the report.

    True where there is no table, or where no cell of a study that has come to its end has a result.
    """
    try:
        with wait_for("computing the table"):
            judged = Judged(read_back(searches, arguments.studies.disk_of(study), folder))
            rows, said = table_rows(judged), conclusions(judged)
    except (UserMistake, ValueError, OSError) as problem:  # records that differ, damaged counts
        console.print(f"no table: {without_credentials(str(problem))}", style="bold red", soft_wrap=True)
        return True
    console.print(*final_table(f"{study}{' so far' if interrupted else ''}", rows, console.width), sep="\n")
    nothing = None if interrupted else no_result(rows)
    if nothing is not None:
        console.print(nothing, style="bold red", soft_wrap=True)
    for sentence in said:
        console.print(f"- {sentence}", markup=False)
    if (saved := seeds_saved(judged)) is not None:
        console.print(saved)
    if judged.study.protocol == "paper":
        console.print(split_note(judged.study), style="yellow")
    for note in edge_notes(judged.study):
        console.print(note, style="yellow", markup=False)
    _write_tables(console, judged, rows, folder, tracker)
    if arguments.report and not interrupted:
        with wait_for("writing the report"):
            line = write_report(judged, folder, tracker)
        console.print(line, soft_wrap=True)
    return nothing is not None


def _write_tables(console: Console, judged: Judged, rows: list[Row], folder: Storage, tracker: Tracker) -> None:
    """`tables/table.*` and the conclusions as data, which MLflow gets too, with the runs of the table."""
    from analysis.report.as_data import conclusions_json
    from analysis.report.table_files import TABLE, table_files

    contents = table_files(judged, rows)
    named = {f"{TABLE}.{kind}": content for kind, content in contents.items()}
    for name, content in {**named, CONCLUSIONS: conclusions_json(judged).encode()}.items():
        file = f"{TABLES}/{name}"
        folder.write_bytes(file, content)
        tracker.study_file(file, TABLES)
    tracker.table_is_of([run for row in rows for run in row.runs])
    tracker.describe(contents["md"].decode())
    console.print(f"table: {folder.shown(f'{TABLES}/{TABLE}.md')} (also .csv, .png)", soft_wrap=True)


def _say_where_to_look(console: Console, study: str, arguments: Arguments, folder: Storage, tracker: Tracker) -> None:
    store = mlflow_store(arguments.studies.folder, arguments.tracking_uri)
    if store.display.startswith("sqlite"):
        command = shlex.join(["mlflow", "ui", "--backend-store-uri", store.display])
        console.print(f"MLflow: {command}", soft_wrap=True)
    else:
        console.print(f"MLflow: {store.display}, experiment {study}", soft_wrap=True)
    if address := tracker.address_of_table:
        console.print(f"the table in MLflow: {address}", soft_wrap=True, markup=False, highlight=False)
    journal = arguments.studies.disk_of(study) / JOURNAL
    ledger = without_credentials(arguments.ledger) if arguments.ledger else str(journal)
    console.print(f"Optuna: {shlex.join(['optuna-dashboard', ledger])}", soft_wrap=True)
