"""The final table as Markdown, CSV and for the terminal."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence

from rich.table import Table

from analysis.statistics.seeds import Difference, Mean
from ass_tune.search.cells import LeftOut
from ass_tune.table.rows import Row
from ass_tune.wording import short
from trainables.words import format_value

NOTES = {
    "split": "Configurations were chosen on the select split (seed {seed}); mIoU is of the report split, other images.",
    "paper": "protocol: paper. The same images chose the configurations and gave the mIoU: the figures are optimistic.",
}


def header(rows: Sequence[Row]) -> list[str]:
    """Column titles: the factors, then the figures."""
    factors = [factor for factor, _ in rows[0].cell.factors] if rows else []
    return [*factors, "mIoU report", "gain (95%)", "mIoU select", "seeds", "best hyperparameters", "trials"]


def cells_of(row: Row) -> list[str]:
    """One row as people read it."""
    factors = [format_value(level) for _, level in row.cell.factors]
    hyperparameters = ", ".join(f"{name}={short(value)}" for name, value in row.hyperparameters.items())
    gain = "baseline" if row.is_baseline else _gain(row.gain)
    seeds = str(row.report.n) if row.report else "0"
    return [*factors, _spread(row.report), gain, _spread(row.select), seeds, hyperparameters, _trials(row)]


def terminal_table(title: str, rows: Sequence[Row]) -> Table:
    """For rich."""
    table = Table(title=title, title_justify="left")
    for name in header(rows):
        numeric = name.startswith(("mIoU", "gain", "seeds"))
        table.add_column(name, justify="right" if numeric else "left", no_wrap=numeric)
    for row in rows:
        table.add_row(*cells_of(row), style="bold" if row.is_baseline else "")
    return table


def markdown(title: str, rows: Sequence[Row], left_out: Sequence[LeftOut], protocol: str, seed: int) -> str:
    """A table with the notes that belong to it."""
    titles = header(rows)
    lines = [f"# {title}", "", "| " + " | ".join(titles) + " |", "|" + " --- |" * len(titles)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in cells_of(row)) + " |" for row in rows]
    lines += ["", NOTES[protocol].format(seed=seed)]
    lines += ["± after a mIoU is the standard deviation over seeds; after a gain, the half-width of the 95% interval"]
    lines += ["of the difference paired by seed (t distribution)."]
    if left_out:
        lines += ["", "Left out:", *(f"- {left.cell.name}: {left.reason}" for left in left_out)]
    return "\n".join(lines) + "\n"


def csv_table(rows: Sequence[Row]) -> str:
    """Every figure in full precision, a column each."""
    factors = [factor for factor, _ in rows[0].cell.factors] if rows else []
    names = sorted({name for row in rows for name in row.hyperparameters})
    figures = ["report_miou", "report_std", "select_miou", "select_std", "seeds", "gain", "gain_half_width"]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(
        [*factors, *figures, *(f"best_{name}" for name in names), "finished", "pruned", "diverged", "failed"]
    )
    for row in rows:
        report, select, gain = row.report, row.select, row.gain
        writer.writerow(
            [
                *(format_value(level) for _, level in row.cell.factors),
                *((report.mean, report.std) if report else ("", "")),
                *((select.mean, select.std) if select else ("", "")),
                report.n if report else 0,
                *((gain.mean, gain.half_width) if gain else ("", "")),
                *(row.hyperparameters.get(name, "") for name in names),
                *(row.finished, row.pruned, row.diverged, row.failed),
            ]
        )
    return stream.getvalue()


def _spread(value: Mean | None) -> str:
    return "–" if value is None else f"{value.mean:.1f}{_plus_minus(value.std)}"


def _gain(value: Difference | None) -> str:
    return "" if value is None else f"{value.mean:+.1f}{_plus_minus(value.half_width)}"


def _plus_minus(value: float) -> str:
    return "" if math.isnan(value) else f" ± {value:.1f}"


def _trials(row: Row) -> str:
    parts = [f"{row.finished}"]
    parts += [f"{row.pruned} pruned"] if row.pruned else []
    parts += [f"{row.diverged} diverged"] if row.diverged else []
    parts += [f"{row.failed} failed"] if row.failed else []
    return ", ".join(parts)
