"""The final table as a picture: mIoU over the labeled-image budget, a line per adaptor, or a bar per cell."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from analysis.statistics.seeds import Mean
from analysis.style import color, marker, new_figure, png
from ass_tune.table.rows import Row
from trainables.words import format_value

BUDGET = "labeled_images"


def table_png(title: str, rows: Sequence[Row]) -> bytes:
    """PNG of mIoU ± std on the report split."""
    shown = [row for row in rows if row.report is not None]
    figure, (axes,) = new_figure(8, 4.5)
    budgets = {row.cell.level(BUDGET) for row in shown if BUDGET in dict(row.cell.factors)}
    has_axis = len(budgets) > 1 and all(isinstance(budget, int) for budget in budgets)
    (_budget_curves if has_axis else _bars)(axes, shown)
    axes.set_title(title)
    return png(figure)


def _budget_curves(axes: Axes, rows: Sequence[Row]) -> None:
    budgets = sorted({int(str(row.cell.level(BUDGET))) for row in rows})
    lines: dict[str, list[Row]] = {}
    for row in rows:
        lines.setdefault(_without_budget(row), []).append(row)
    for index, (name, members) in enumerate(lines.items()):
        points = sorted((budgets.index(int(str(row.cell.level(BUDGET)))), _report(row)) for row in members)
        shift = 0.06 * (index - (len(lines) - 1) / 2)
        axes.errorbar(
            [place + shift for place, _ in points],
            [spread.mean for _, spread in points],
            yerr=[0.0 if spread.n < 2 else spread.std for _, spread in points],
            label=name,
            color=color(index),
            marker=marker(index),
            capsize=3,
            linewidth=1.5,
        )
    axes.set_xticks(range(len(budgets)), [str(budget) for budget in budgets])
    axes.set_xlabel("labeled target images")
    axes.set_ylabel("mIoU on the report split, % (± std over seeds)")
    axes.legend()


def _bars(axes: Axes, rows: Sequence[Row]) -> None:
    spreads = [_report(row) for row in rows]
    axes.barh(
        range(len(rows)),
        [spread.mean for spread in spreads],
        xerr=[0.0 if spread.n < 2 else spread.std for spread in spreads],
        color=[color(1) if row.is_baseline else color(0) for row in rows],
        capsize=3,
    )
    axes.set_yticks(range(len(rows)), [row.cell.name for row in rows])
    axes.invert_yaxis()
    axes.set_xlabel("mIoU on the report split, % (± std over seeds)")


def _without_budget(row: Row) -> str:
    return ", ".join(format_value(level) for factor, level in row.cell.factors if factor != BUDGET) or "mIoU"


def _report(row: Row) -> Mean:
    assert row.report is not None
    return row.report
