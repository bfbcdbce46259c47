"""The table of a study, the only one: every cell with its intervals, its gain, and what may be concluded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.statistics.gains import Gain, Judged
from analysis.statistics.seeds import Mean, mean_over_seeds
from analysis.statistics.verdict import Comparison, Verdict
from analysis.study import Study
from analysis.study_cell import StudyCell
from trainables.callable_module import make_callable
from trainables.objective import MIOU, Objective
from trainables.words import Outcome, format_points, plus_minus

NOT_CREDITED = "better, control not beaten"
CONTROL_BETTER = "control better"
SMALL = " (small)"


@dataclass(frozen=True)
class Row:
    """One cell; the objective over the seeds of its best configuration."""

    cell: StudyCell
    report: Mean | None
    select: Mean | None
    is_baseline: bool
    gain: Gain | None
    """Over its baseline."""
    hyperparameters: Mapping[str, Any]
    outcomes: Mapping[str, int]
    """Trials by outcome."""
    runs: tuple[str, ...]
    """The runs that the row is made of, one per seed."""
    objective: Objective = MIOU


def table_rows(judged: Judged) -> list[Row]:
    """One row per cell, in the order of the study."""
    return [_row(judged.study, cell, judged.over_baseline(cell)) for cell in judged.study.cells]


def table(study: Study) -> pd.DataFrame:
    """The main table of a study: a row per cell, every number in full precision."""
    return figures(table_rows(Judged(study)))


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


def gain_text(found: Comparison) -> str:
    """A gain with its one interval, e.g. `+1.9 (-0.3 to +4.1)`; the gain alone where nothing more can be said."""
    gain = format_points(found.gain, "+")
    return gain if found.why_not_judged else f"{gain} ({interval(found.low, found.high)})"


def verdict_of(found: Comparison) -> str:
    """The verdict of a single comparison, e.g. `undecided`; `(small)` where it is within the difference of interest."""
    if found.why_not_judged:
        return f"not judged ({found.why_not_judged})"
    if found.verdict is None:
        return "exploratory"
    decided = found.verdict in (Verdict.BETTER, Verdict.WORSE)
    return f"{found.verdict}{SMALL if decided and found.within_margin else ''}"


def verdict_text(gain: Gain) -> str:
    """The verdict of a table's row: never just `better` where the control is not beaten as well.

    Where the control is better, the row says so beside any other verdict too.
    """
    found, control = gain.comparison, gain.control
    if found.verdict is Verdict.BETTER and not gain.credited:
        return NOT_CREDITED
    lost = control is not None and not control.why_not_judged and control.verdict is Verdict.WORSE
    return f"{verdict_of(found)}, {CONTROL_BETTER}" if lost and not found.why_not_judged else verdict_of(found)


def _row(study: Study, cell: StudyCell, gain: Gain | None) -> Row:
    runs = list(study.results(cell).values())
    select, report = study.chosen_by, study.last(study.objective.report)
    frame = study.frame.query("cell == @cell.name")
    best = frame.query("run in @runs[:1]")
    return Row(
        cell=cell,
        report=_mean([report[run] for run in runs if run in report]),
        select=_mean([select[run] for run in runs if run in select]),
        is_baseline=study.baseline_of(cell) == cell,
        gain=gain,
        hyperparameters={name: best[name].iloc[0] for name in cell.tuned} if len(best) else {},
        outcomes={str(outcome): int(n) for outcome, n in frame["outcome"].value_counts().sort_index().items()},
        runs=tuple(runs),
        objective=study.objective,
    )


def _mean(values: list[float]) -> Mean | None:
    return mean_over_seeds(values) if values else None


def _figures(row: Row) -> dict[str, Any]:
    found: dict[str, Any] = dict(row.cell.levels)
    for name, mean in (("report", row.report), ("select", row.select)):
        found[f"{name}_{row.objective.metric}"] = mean.mean if mean else None
        found[f"{name}_std"] = mean.std if mean else None
        found[f"{name}_half_width"] = mean.half_width if mean else None
    found["seeds"] = row.report.n if row.report else 0
    if row.gain is not None:
        found |= _of_comparison("gain", row.gain.comparison) | {"verdict": verdict_text(row.gain)}
        if (control := row.gain.control) is not None:
            found |= _of_comparison("control_gain", control) | {"control_verdict": verdict_of(control)}
    outcomes = {**dict.fromkeys(map(str, Outcome), 0), **row.outcomes}
    return found | {f"best_{name}": value for name, value in row.hyperparameters.items()} | outcomes


def _of_comparison(name: str, found: Comparison) -> dict[str, float]:
    return {name: found.gain, f"{name}_low": found.low, f"{name}_high": found.high, f"{name}_p": found.p}


def _texts(row: Row) -> dict[str, str]:
    gain, control = row.gain, row.gain.control if row.gain else None
    return {
        **row.cell.shown,
        f"{row.objective.name} report": plus_minus(row.report.mean, row.report.std) if row.report else "–",
        "gain": "baseline" if row.is_baseline else gain_text(gain.comparison) if gain else "",
        "p": p_text(gain.comparison.p) if gain else "",
        "verdict": verdict_text(gain) if gain else "",
        "over its control": gain_text(control) if control else "",
        "control": verdict_of(control) if control else "",
        "95% over seeds": interval_of(row.report),
        f"{row.objective.name} select": plus_minus(row.select.mean, row.select.std) if row.select else "–",
        "seeds": str(row.report.n if row.report else 0),
        "best hyperparameters": ", ".join(f"{name}={_short(value)}" for name, value in row.hyperparameters.items()),
        "trials": ", ".join(f"{n} {outcome}" for outcome, n in row.outcomes.items()),
    }


def interval_of(mean: Mean | None) -> str:
    """The 95% interval of a mean, e.g. `28.1 to 30.4`; empty for one seed."""
    if mean is None or mean.half_width != mean.half_width:
        return ""
    return f"{format_points(mean.mean - mean.half_width)} to {format_points(mean.mean + mean.half_width)}"


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


make_callable(__name__, table)
