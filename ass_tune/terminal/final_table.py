"""The final table on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.table import Table

from analysis.table import Row, plus_minus
from ass_tune.wording import short

NUMBERS = ("mIoU report", "gain (95%)", "mIoU select", "seeds")


def final_table(study: str, rows: Sequence[Row], width: int) -> list[RenderableType]:
    """The table with the title `study`, for a terminal of so many columns."""
    del width  # rich fits the table to its console
    factors = list(rows[0].cell.levels) if rows else []
    table = Table(title=study, title_justify="left")
    for name in (*factors, *NUMBERS, "best hyperparameters", "trials"):
        numeric = name in NUMBERS
        table.add_column(name, justify="right" if numeric else "left", no_wrap=numeric)
    for row in rows:
        table.add_row(*row.cell.levels.values(), *_texts(row), style="bold" if row.is_baseline else "")
    return [table]


def _texts(row: Row) -> list[str]:
    gain = plus_minus(row.gain.seeds.mean, row.gain.seeds.half_width, "+") if row.gain else ""
    means = [plus_minus(mean.mean, mean.std) if mean else "–" for mean in (row.report, row.select)]
    hyperparameters = ", ".join(f"{name}={short(value)}" for name, value in row.hyperparameters.items())
    trials = ", ".join(f"{n} {outcome}" for outcome, n in row.outcomes.items())
    seeds = str(row.report.n if row.report else 0)
    return [means[0], "baseline" if row.is_baseline else gain, means[1], seeds, hyperparameters, trials]
