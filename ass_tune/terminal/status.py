"""Where a study stands, read from its ledger, outbox and lock; nothing is started, written or created."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict
from rich.console import RenderableType
from rich.table import Table

from ass_tune.ledger.ledger import Entry, count_outcomes, entries_of, open_to_read, stratum_name
from ass_tune.ledger.lock import holder
from ass_tune.search.cell_search import best_entry
from ass_tune.search.cells import CellPlan, cells
from ass_tune.spec import StudySpec
from ass_tune.tracker.destination import sync_command
from ass_tune.tracker.outbox import waiting_in
from trainables.words import Outcome, Stage

COLUMNS = ("cell", "tuning", "replicates", "running", "finished", "pruned", "diverged", "failed", "best select mIoU")


class CellStatus(BaseModel):
    """Counts of one cell's trials; `ended` ones are all but the running."""

    model_config = ConfigDict(frozen=True)

    cell: str
    tuning_ended: int
    tuning_wanted: int
    replicates_ended: int
    replicates_wanted: int
    running: int
    finished: int
    pruned: int
    diverged: int
    failed: int
    best_select_miou: float | None


class StudyStatus(BaseModel):
    """Where the whole study stands."""

    model_config = ConfigDict(frozen=True)

    study: str
    cells: tuple[CellStatus, ...]
    trials_ended: int
    trials_wanted: int
    driver: str | None
    """Who runs it now."""
    waiting_for_mlflow: int
    errors: dict[str, str]
    """Last line of the error of every failed trial."""


def study_status(spec: StudySpec, studies: Path, ledger: str | None) -> StudyStatus:
    """Read where a study stands; one that was never begun has nothing yet. Raises LedgerDamaged."""
    folder = studies / spec.study
    storage = open_to_read(folder, ledger)
    strata = entries_of(storage) if storage is not None else {}
    rows, errors = [], {}
    for plan in cells(spec)[0]:
        names = {stage: stratum_name(spec.study, plan.cell, stage) for stage in Stage}
        entries = {stage: strata.get(name, []) for stage, name in names.items()}
        rows.append(_cell_status(plan, entries[Stage.TUNING], entries[Stage.REPLICATE]))
        for stage, name in names.items():
            errors |= {f"{name} {entry.number}": _last_line(entry) for entry in entries[stage] if _failed(entry)}
    driver = holder(folder)
    return StudyStatus(
        study=spec.study,
        cells=tuple(rows),
        trials_ended=sum(row.tuning_ended + row.replicates_ended for row in rows),
        trials_wanted=sum(row.tuning_wanted + row.replicates_wanted for row in rows),
        driver=str(driver) if driver else None,
        waiting_for_mlflow=waiting_in(folder),
        errors=errors,
    )


def status_tables(status: StudyStatus, studies: Path) -> list[RenderableType]:
    """The status on a terminal."""
    table = Table(title=f"status of study {status.study}", title_justify="left")
    for name in COLUMNS:
        table.add_column(name, justify="left" if name == "cell" else "right", overflow="fold")
    for cell in status.cells:
        counts = (cell.running, cell.finished, cell.pruned, cell.diverged, cell.failed)
        table.add_row(
            cell.cell,
            f"{cell.tuning_ended}/{cell.tuning_wanted}",
            f"{cell.replicates_ended}/{cell.replicates_wanted}",
            *(str(count or "") for count in counts),
            "" if cell.best_select_miou is None else f"{cell.best_select_miou:.1f}",
        )
    lines = [f"{status.trials_ended}/{status.trials_wanted} trials ended"]
    lines += [f"driver: {status.driver}" if status.driver else "no driver runs it"]
    if status.waiting_for_mlflow:
        lines += [f"{status.waiting_for_mlflow} records wait for MLflow: {sync_command(status.study, studies)}"]
    lines += [f"failed: {name}: {error}" for name, error in status.errors.items()]
    return [table, "\n".join(lines)]


def _cell_status(plan: CellPlan, tuning: Sequence[Entry], replicates: Sequence[Entry]) -> CellStatus:
    counts = count_outcomes((*tuning, *replicates))
    best = best_entry(list(tuning))
    return CellStatus(
        cell=plan.cell.name,
        tuning_ended=sum(entry.outcome is not None for entry in tuning),
        tuning_wanted=plan.tuning_trials,
        replicates_ended=sum(entry.outcome is not None for entry in replicates),
        replicates_wanted=plan.replicates,
        running=counts[None],
        finished=counts[Outcome.FINISHED],
        pruned=counts[Outcome.PRUNED],
        diverged=counts[Outcome.DIVERGED],
        failed=counts[Outcome.FAILED],
        best_select_miou=best.select_miou if best else None,
    )


def _failed(entry: Entry) -> bool:
    return entry.outcome is Outcome.FAILED


def _last_line(entry: Entry) -> str:
    return (entry.error or "").strip().rpartition("\n")[2]
