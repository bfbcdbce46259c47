"""The table that a study ends with, for a terminal: a row per cell, and below it what was chosen in each."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from analysis.table import Row, gain_text, p_text, verdict_text
from ass_tune.terminal.columns import level_columns, level_pairs
from ass_tune.terminal.layout import Column, FittedTable, listing
from ass_tune.wording import short
from trainables.words import plus_minus

NOTE = "{}, ± its standard deviation over seeds."
NOTE_OF_GAINS = (
    " A gain has its 95% interval in brackets, for other seeds and images, corrected over all primary comparisons. "
    "undecided: the study cannot say."
)


def final_table(study: str, rows: Sequence[Row], width: int) -> list[RenderableType]:
    """A title, the table, the chosen hyperparameters (a line per cell) and a note; nothing is wider than `width`."""
    title = Text(f"study {study}", style="bold")
    if not rows:
        return [title, Text("no cell has a result yet")]
    baselines = [number for number, row in enumerate(rows) if row.is_baseline]
    table = FittedTable(_columns(rows), width, bold=baselines).first()
    note = NOTE.format(rows[0].objective.in_unit) + (NOTE_OF_GAINS if any(row.gain for row in rows) else "")
    return [title, table, *_chosen(rows, width), Text(f"\n{note}", style="dim")]


def _columns(rows: Sequence[Row]) -> list[Column]:
    controls = [row.gain.control if row.gain else None for row in rows]
    name = rows[0].objective.name
    columns = [
        *level_columns([row.cell.shown for row in rows]),
        Column(f"{name} report", [plus_minus(row.report.mean, row.report.std) if row.report else "–" for row in rows]),
        Column("gain (95%)", [_gain(row) for row in rows]),
        Column("verdict", [verdict_text(row.gain) if row.gain else "" for row in rows], right=False, folds=True),
        Column("over control", [gain_text(found) if found else "" for found in controls], spare=2),
        Column("p", [p_text(row.gain.comparison.p) if row.gain else "" for row in rows], spare=3),
        Column(f"{name} select", [_select(row) for row in rows], spare=4),
        Column("seeds", [str(row.report.n if row.report else 0) for row in rows], spare=1),
        Column("trials", [_trials(row) for row in rows], right=False, spare=5),
    ]
    return [column for column in columns if column.names or any(column.texts)]


def _gain(row: Row) -> str:
    return "baseline" if row.is_baseline else gain_text(row.gain.comparison) if row.gain else ""


def _select(row: Row) -> str:
    return plus_minus(row.select.mean, row.select.std) if row.select else "–"


def _trials(row: Row) -> str:
    return ", ".join(f"{number} {outcome}" for outcome, number in row.outcomes.items())


def _chosen(rows: Sequence[Row], width: int) -> list[RenderableType]:
    """The chosen values of every cell that tunes something."""
    chosen = [[f"{name}={short(value)}" for name, value in _known(row)] for row in rows]
    tuned = [(row, pairs) for row, pairs in zip(rows, chosen, strict=True) if pairs]
    if not tuned:
        return []
    entries = listing([level_pairs(row.cell.effective) for row, _ in tuned], [pairs for _, pairs in tuned], width)
    lines = (Text(line, overflow="fold") for entry in entries for line in entry)
    return [Group(Text("\nchosen hyperparameters", style="bold"), *lines)]


def _known(row: Row) -> list[tuple[str, object]]:
    """Hyperparameters that have a value: those whose conditions do not hold are missing (NaN)."""
    return [(name, value) for name, value in row.hyperparameters.items() if value == value]
