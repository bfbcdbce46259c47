"""The table of a study, the only one: every cell with its intervals, its gain, and what may be concluded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.statistics.gains import Gain, ReportSplit, gains_over_baseline
from analysis.statistics.seeds import Mean, mean_over_seeds
from analysis.study import Study, StudyCell
from trainables.callable_module import make_callable
from trainables.words import REPORT, Outcome, format_points, plus_minus


@dataclass(frozen=True)
class Row:
    """One cell; mIoU in percent, over the seeds of its best configuration."""

    cell: StudyCell
    report: Mean | None
    select: Mean | None
    optimism: Mean | None
    """Select minus report mIoU of the same trials: what choosing on the images of the report would have added."""
    is_baseline: bool
    gain: Gain | None
    hyperparameters: Mapping[str, Any]
    outcomes: Mapping[str, int]
    """Trials by outcome."""
    runs: tuple[str, ...]
    """The runs that the row is made of, one per seed."""


def table_rows(split: ReportSplit) -> list[Row]:
    """One row per cell, in the order of the study."""
    gains = gains_over_baseline(split)
    return [_row(split.study, cell, gains.get(cell.name)) for cell in split.study.cells]


def table(study: Study) -> pd.DataFrame:
    """The main table of a study: a row per cell, every number in full precision."""
    return figures(table_rows(ReportSplit(study)))


def figures(rows: list[Row]) -> pd.DataFrame:
    """Every number of the table in full precision, a column each."""
    return pd.DataFrame([_figures(row) for row in rows])


def as_people_read(study: Study, rows: list[Row]) -> pd.DataFrame:
    """The table as text, rounded to a tenth of a point."""
    return pd.DataFrame([_texts(row) for row in rows], dtype=str)


def interval(low: float, high: float) -> str:
    """E.g. `+0.1 to +1.9`."""
    return f"{format_points(low, '+')} to {format_points(high, '+')}"


def p_text(p: float) -> str:
    """A p-value with two digits; empty for NaN."""
    return "" if p != p else "< 0.001" if p < 0.001 else f"{p:.2g}"


def _row(study: Study, cell: StudyCell, gain: Gain | None) -> Row:
    runs = list(study.results(cell).values())
    select, report = study.objective, study.last(REPORT)
    both = [run for run in runs if run in select and run in report]
    frame = study.frame.query("cell == @cell.name")
    best = frame.query("run in @runs[:1]")
    return Row(
        cell=cell,
        report=_mean([report[run] for run in runs if run in report]),
        select=_mean([select[run] for run in runs if run in select]),
        optimism=_mean([select[run] - report[run] for run in both]),
        is_baseline=study.baseline_of(cell) == cell,
        gain=gain,
        hyperparameters={name: best[name].iloc[0] for name in cell.tuned} if len(best) else {},
        outcomes={str(outcome): int(n) for outcome, n in frame["outcome"].value_counts().sort_index().items()},
        runs=tuple(runs),
    )


def _mean(values: list[float]) -> Mean | None:
    return mean_over_seeds(values) if values else None


def _figures(row: Row) -> dict[str, Any]:
    found: dict[str, Any] = dict(row.cell.levels)
    for name, mean in (("report", row.report), ("select", row.select), ("optimism", row.optimism)):
        found[f"{name}_miou"] = mean.mean if mean else None
        found[f"{name}_std"] = mean.std if mean else None
        found[f"{name}_half_width"] = mean.half_width if mean else None
    found["seeds"] = row.report.n if row.report else 0
    if (gain := row.gain) is not None:
        found |= {"gain": gain.seeds.mean, "gain_half_width": gain.seeds.half_width, "gain_p": gain.seeds.p_value}
        found |= {"gain_p_holm": gain.corrected, "effect": gain.seeds.effect, "seeds_needed": gain.needed}
        if gain.images is not None:
            found |= {"images_low": gain.images.low, "images_high": gain.images.high}
            found |= {"images_p": gain.images.p_value, "images_p_holm": gain.images_corrected}
        found["verdict"] = gain.verdict
    outcomes = {**dict.fromkeys(map(str, Outcome), 0), **row.outcomes}
    return found | {f"best_{name}": value for name, value in row.hyperparameters.items()} | outcomes


def _texts(row: Row) -> dict[str, str]:
    gain, images = row.gain, row.gain.images if row.gain else None
    return {
        **row.cell.levels,
        "mIoU report": plus_minus(row.report.mean, row.report.std) if row.report else "–",
        "95% over seeds": interval_of(row.report),
        "gain": "baseline"
        if row.is_baseline
        else plus_minus(gain.seeds.mean, gain.seeds.half_width, "+")
        if gain
        else "",
        "95% over images": interval(images.low, images.high) if images else "",
        "p (Holm)": p_text(gain.corrected) if gain else "",
        "effect": format_points(gain.seeds.effect, "+") if gain and gain.seeds.effect == gain.seeds.effect else "",
        "seeds needed": _needed(gain),
        "verdict": gain.verdict if gain else "",
        "mIoU select": plus_minus(row.select.mean, row.select.std) if row.select else "–",
        "select − report": plus_minus(row.optimism.mean, row.optimism.std, "+") if row.optimism else "",
        "seeds": str(row.report.n if row.report else 0),
        "best hyperparameters": ", ".join(f"{name}={_short(value)}" for name, value in row.hyperparameters.items()),
        "trials": ", ".join(f"{n} {outcome}" for outcome, n in row.outcomes.items()),
    }


def interval_of(mean: Mean | None) -> str:
    """The 95% interval of a mean, e.g. `28.1 to 30.4`; empty for one seed."""
    if mean is None or mean.half_width != mean.half_width:
        return ""
    return f"{format_points(mean.mean - mean.half_width)} to {format_points(mean.mean + mean.half_width)}"


def _needed(gain: Gain | None) -> str:
    if gain is None or len(gain.seeds.seeds) < 2:
        return ""
    return str(gain.needed) if gain.needed is not None else "> 1000"


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


make_callable(__name__, table)
