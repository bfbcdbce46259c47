"""Where a study stands, read from its ledger, outbox and lock; nothing is started, written or created."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict
from rich.console import Group, RenderableType
from rich.text import Text

from analysis.records import OUTBOX
from ass_tune.ledger.claim import claim_holder
from ass_tune.ledger.ledger import Entry, entries_of, open_to_read, stratum_name
from ass_tune.ledger.lock import holder
from ass_tune.ledger.owner import check_ledger_is_here
from ass_tune.places import Studies
from ass_tune.search.cells import CellPlan, cells
from ass_tune.search.screening import waits
from ass_tune.spec import StudySpec
from ass_tune.terminal.columns import best_column, count_column, level_columns
from ass_tune.terminal.layout import Column, FittedTable
from ass_tune.terminal.nodes import NodesSeen, node_lines, nodes_in
from ass_tune.terminal.progress import CellProgress
from ass_tune.terminal.waits import WAITING, wait_lines, waits_in
from ass_tune.tracker.destination import sync_command
from ass_tune.tracker.outbox import waiting_in
from ass_tune.tracker.records_copy import unconfirmed_in
from ass_tune.trial import Wait
from ass_tune.wording import format_seconds
from trainables.config import Value
from trainables.objective import Objective
from trainables.words import Outcome, Stage


class CellStatus(BaseModel):
    """Counts of one cell's trials; `ended` ones are all but the running."""

    model_config = ConfigDict(frozen=True)

    cell: str
    levels: dict[str, Value]
    """The cell's level of each factor; `any` where it has no effect."""
    tuning_ended: int
    tuning_wanted: int
    replicates_ended: int
    replicates_wanted: int
    running: int
    waiting: int
    """Of the running, trials that wait for others of the cell to be screened, or to go on first."""
    finished: int
    pruned: int
    diverged: int
    failed: int
    best_select: float | None
    """The objective on the select split, of the best configuration so far."""


class StudyStatus(BaseModel):
    """Where the whole study stands."""

    model_config = ConfigDict(frozen=True)

    study: str
    objective: Objective
    cells: tuple[CellStatus, ...]
    trials_ended: int
    trials_wanted: int
    driver: str | None
    """Who runs it now."""
    ends: datetime | None
    """When that driver ends at the latest; None where it has no limit."""
    waiting_for_mlflow: int
    waits: tuple[Wait, ...]
    """Trials that should have started or reported by now, and why they have not; none where no driver runs."""
    nodes: NodesSeen | None
    """The nodes of the cluster as the driver last saw them; None for one machine without a GPU."""
    errors: dict[str, str]
    """Last line of the error of every failed trial."""


def study_status(spec: StudySpec, studies: Studies, ledger: str | None) -> StudyStatus:
    """Read where a study stands; one that was never begun has nothing yet.

    Raises LedgerDamaged, or UserMistake where its ledger is on another machine's disk.
    """
    folder, files = studies.disk_of(spec.study), studies.files_of(spec.study)
    if ledger is None and not studies.is_local:
        check_ledger_is_here(files, folder)
    storage = open_to_read(folder, ledger)
    strata = entries_of(storage) if storage is not None else {}
    rows, errors = [], {}
    for plan in cells(spec)[0]:
        names = {stage: stratum_name(spec.study, plan.cell, stage) for stage in Stage}
        entries = {stage: strata.get(name, []) for stage, name in names.items()}
        waiting = sum(waits(spec, entry) for entry in entries[Stage.TUNING])
        rows.append(_cell_status(plan, entries[Stage.TUNING], entries[Stage.REPLICATE], waiting, spec.objective))
        for stage, name in names.items():
            errors |= {f"{name} {entry.number}": _last_line(entry) for entry in entries[stage] if _failed(entry)}
    is_here = studies.is_local or (folder / OUTBOX).is_file()
    driver = holder(folder) or (None if ledger is None or storage is None else claim_holder(storage, spec.study))
    return StudyStatus(
        study=spec.study,
        objective=spec.objective,
        cells=tuple(rows),
        trials_ended=sum(row.tuning_ended + row.replicates_ended for row in rows),
        trials_wanted=sum(row.tuning_wanted + row.replicates_wanted for row in rows),
        driver=str(driver) if driver else None,
        ends=driver.ends if driver else None,
        waits=waits_in(files) if driver else (),
        nodes=nodes_in(files),
        waiting_for_mlflow=waiting_in(folder) if is_here else unconfirmed_in(files),
        errors=errors,
    )


def status_tables(status: StudyStatus, studies: Studies, width: int) -> list[RenderableType]:
    """The status on a terminal; nothing is wider than `width`."""
    title = Text(f"status of study {status.study}", style="bold")
    table = (
        FittedTable(_columns(status.cells, status.objective), width).first()
        if status.cells
        else Text("no cell is left to train")
    )
    lines = [f"{status.trials_ended}/{status.trials_wanted} trials ended"]
    lines += [f"driver: {status.driver}" if status.driver else "no driver runs it"]
    if status.ends is not None:
        left = format_seconds(max(0.0, status.ends.timestamp() - time.time()))
        lines += [f"its time limit: {left} left, until {status.ends.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"]
    if waiting := sum(cell.waiting for cell in status.cells):
        lines += [f"{waiting} waiting: {WAITING}"]
    lines += wait_lines(status.waits)
    if status.nodes is not None:
        lines += node_lines(status.nodes.nodes, time.time() - status.nodes.time)
    if status.waiting_for_mlflow:
        lines += [f"{status.waiting_for_mlflow} records wait for MLflow: {sync_command(status.study, studies)}"]
    lines += [f"failed: {name}: {error}" for name, error in status.errors.items()]
    return [title, Group(table, ""), "\n".join(lines)]


def _columns(cells: Sequence[CellStatus], objective: Objective) -> list[Column]:
    tuning = [f"{cell.tuning_ended}/{cell.tuning_wanted}" for cell in cells]
    replicates = [f"{cell.replicates_ended}/{cell.replicates_wanted}" for cell in cells]
    return [
        *level_columns([cell.levels for cell in cells]),
        Column("tuning", tuning),
        Column("replicates", replicates),
        count_column("running", [cell.running - cell.waiting for cell in cells]),
        count_column("waiting", [cell.waiting for cell in cells]),
        count_column("finished", [cell.finished for cell in cells], spare=1),
        count_column("pruned", [cell.pruned for cell in cells]),
        count_column("diverged", [cell.diverged for cell in cells]),
        count_column("failed", [cell.failed for cell in cells]),
        best_column([cell.best_select for cell in cells], objective),
    ]


def _cell_status(
    plan: CellPlan, tuning: Sequence[Entry], replicates: Sequence[Entry], waiting: int, objective: Objective
) -> CellStatus:
    progress = CellProgress.of(plan, tuning, replicates, objective)
    return CellStatus(
        cell=plan.cell.name,
        levels=plan.shown,
        tuning_ended=progress.ended[Stage.TUNING],
        tuning_wanted=progress.tuning_wanted,
        replicates_ended=progress.ended[Stage.REPLICATE],
        replicates_wanted=progress.replicates_wanted,
        running=len(tuning) + len(replicates) - sum(progress.ended.values()),
        waiting=waiting,
        finished=progress.outcomes[Outcome.FINISHED],
        pruned=progress.outcomes[Outcome.PRUNED],
        diverged=progress.outcomes[Outcome.DIVERGED],
        failed=progress.outcomes[Outcome.FAILED],
        best_select=progress.best,
    )


def _failed(entry: Entry) -> bool:
    return entry.outcome is Outcome.FAILED


def _last_line(entry: Entry) -> str:
    return (entry.error or "").strip().rpartition("\n")[2]
