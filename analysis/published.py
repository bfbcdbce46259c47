"""The paper's own figures (Wang et al., "Alleviating Semantic-level Shift", CVPR Workshops 2020, Tables 1 to 3)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.statistics.seeds import mean_over_seeds
from analysis.study import Study
from analysis.study_cell import StudyCell
from trainables.words import BUDGET, REPORT, plus_minus

ADAPTOR = "adaptor"
LAMBDA = "lambda_sadv"
NEAR = 1.1
"""How many times as large or small as a printed lambda_sadv another one may be and still be compared with it."""


@dataclass(frozen=True)
class Published:
    """A table of mIoU as printed; NaN where the paper has no figure.

    Attributes:
        title: with the number of the table.
        domains: the domain pair it was measured on.
        classes: how many classes the mIoU is over.
        columns: adaptors, or values of lambda_sadv.
        rows: labeled images, and a figure per column.
        adaptor: of a table whose columns are values of lambda_sadv.
        note: what a reader has to know of the print.
    """

    title: str
    domains: str
    classes: int
    columns: tuple[str, ...]
    rows: Mapping[int, tuple[float, ...]]
    adaptor: str | None = None
    note: str = ""


TABLE_1 = Published(
    "Table 1: adaptors, GTA5 to Cityscapes",
    "gta5-cityscapes",
    19,
    ("oracle", "ga", "ga+fcsa", "ga+csa"),
    {
        0: (math.nan, 42.4, math.nan, math.nan),
        50: (39.5, 50.0, 50.2, 50.1),
        100: (43.6, 53.5, 54.1, 54.2),
        200: (47.1, 54.4, 56.4, 56.0),
        500: (53.6, 56.5, 59.9, 60.2),
        1000: (58.6, 58.0, 63.8, 64.5),
        2975: (65.9, 59.71, 68.8, 69.1),
    },
    note="One run a figure; the paper's column Improve is GA+CSA over the oracle. 59.71 has two digits in print.",
)
TABLE_2A = Published(
    "Table 2a: lambda_sadv of FCSA, GTA5 to Cityscapes",
    "gta5-cityscapes",
    19,
    ("1", "0.2", "0.04", "0.008"),
    {100: (54.11, 53.87, 53.68, 53.96), 500: (59.76, 59.29, 59.89, 59.74)},
    adaptor="ga+fcsa",
    note="The best of each row is the entry of Table 1.",
)
TABLE_2B = Published(
    "Table 2b: lambda_sadv of CSA, GTA5 to Cityscapes",
    "gta5-cityscapes",
    19,
    ("1", "0.1", "0.01", "0.001"),
    {500: (59.76, 59.46, 60.16, 59.67)},
    adaptor="ga+csa",
    note="59.76 stands in both parts of the table.",
)
TABLE_3 = Published(
    "Table 3: adaptors, SYNTHIA to Cityscapes",
    "synthia-cityscapes",
    13,
    ("oracle", "ga", "ga+csa"),
    {
        0: (math.nan, 46.7, math.nan),
        50: (52.6, 60.7, 57.4),
        100: (57.6, 62.1, 58.3),
        200: (60.8, 64.8, 64.5),
        500: (66.5, 69.1, 69.8),
        1000: (70.7, 71.8, 73.0),
        2975: (73.8, 75.0, 77.1),
    },
    note="At 50, 100 and 200 images the column Improve is that of GA, not of GA+CSA: the two may be swapped in print.",
)
TABLES = (TABLE_1, TABLE_2A, TABLE_2B, TABLE_3)


def with_ours(table: Published, study: Study) -> pd.DataFrame:
    """A published table and ours, row by row of labeled images; `paper` and `ours` are two columns of each of its."""
    ours = _by_lambda(table, study) if table.adaptor else _by_adaptor(study)
    budgets = sorted({*table.rows, *(budget for budget, _ in ours)})
    return pd.DataFrame([_line(table, budget, ours) for budget in budgets], dtype=str)


def caution(study: Study) -> str:
    """What forbids reading the two as one experiment."""
    domains = study.plan["domains"]
    if domains not in {table.domains for table in TABLES}:
        return (
            f"Ours is {domains}, not Cityscapes: images, classes and networks differ, so our figures can neither "
            "confirm nor refute those of the paper. What can be compared is the order of the adaptors, and how their "
            "gains change with the number of labeled images."
        )
    return (
        "The paper chose and reported on the same images (Cityscapes val) and prints single runs, without spread. "
        f"This study has the setting `protocol: {study.protocol}`."
    )


def _by_adaptor(study: Study) -> dict[tuple[int, str], str]:
    report = study.last(REPORT)
    found = {}
    for cell in _as_in_the_paper(study, (ADAPTOR, BUDGET)):
        mious = [report[run] for run in study.results(cell).values() if run in report]
        if cell.budget is not None and mious:
            mean = mean_over_seeds(mious)
            found[cell.budget, cell.levels[ADAPTOR]] = plus_minus(mean.mean, mean.std)
    return found


def _by_lambda(table: Published, study: Study) -> dict[tuple[int, str], str]:
    """mIoU of the trials whose lambda_sadv is that of a column: a cell's row where it is a factor, else tuning trials.

    Another value than the printed one stands for it if it is nearest to it and at most `NEAR` times as large or small.
    """
    found: dict[tuple[int, str], str] = {}
    report = study.last(REPORT)
    for cell in _as_in_the_paper(study, (ADAPTOR, BUDGET, LAMBDA)):
        column = _printed(table, cell.level(LAMBDA))
        mious = [report[run] for run in study.results(cell).values() if run in report]
        if cell.budget is not None and cell.levels[ADAPTOR] == table.adaptor and column and mious:
            mean = mean_over_seeds(mious)
            found[cell.budget, column] = plus_minus(mean.mean, mean.std)
    return found | _by_tuned_lambda(table, study)


def _by_tuned_lambda(table: Published, study: Study) -> dict[tuple[int, str], str]:
    if LAMBDA not in study.hyperparameters:
        return {}
    frame = study.frame.query("stage == 'tuning' and outcome == 'finished'").dropna(subset=[REPORT, LAMBDA])
    groups: dict[tuple[int, str], list[float]] = {}
    for cell in _as_in_the_paper(study, (ADAPTOR, BUDGET)):
        if cell.budget is None or cell.levels[ADAPTOR] != table.adaptor:
            continue
        trials = frame.query("cell == @cell.name")
        for used, miou in zip(trials[LAMBDA], trials[REPORT], strict=True):
            if column := _printed(table, used):
                groups.setdefault((cell.budget, column), []).append(miou)
    return {place: f"{sum(found) / len(found):.1f} ({len(found)})" for place, found in groups.items()}


def _as_in_the_paper(study: Study, factors: Sequence[str]) -> list[StudyCell]:
    """The cells that vary these factors and no others. The paper has no controls, so those of a study are left out."""
    control: Mapping[str, object] = study.settings.get("control", {})
    groups: dict[tuple[str, ...], list[StudyCell]] = {}
    for cell in study.cells:
        if set(cell.levels) == {*factors, *control}:
            groups.setdefault(tuple(cell.levels[factor] for factor in factors), []).append(cell)
    # a cell in which the control's factor has no effect is there once, with any of its levels
    own = [[cell for cell in cells if _differs(cell, control)] or cells for cells in groups.values()]
    return [cells[0] for cells in own if len(cells) == 1]


def _differs(cell: StudyCell, levels: Mapping[str, object]) -> bool:
    return any(cell.level(factor) != level for factor, level in levels.items())


def _printed(table: Published, used: object) -> str | None:
    """The column that a lambda belongs to."""
    if not isinstance(used, int | float) or used <= 0:
        return None
    factors = {column: math.exp(abs(math.log(float(column) / used))) for column in table.columns}
    nearest = min(factors, key=lambda column: factors[column])
    return nearest if factors[nearest] <= NEAR else None


def _line(table: Published, budget: int, ours: Mapping[tuple[int, str], str]) -> dict[str, str]:
    line = {"labeled images": str(budget)}
    printed = table.rows.get(budget, (math.nan,) * len(table.columns))
    for column, value in zip(table.columns, printed, strict=True):
        title = column if table.adaptor is None else f"{LAMBDA}={column}"
        line[f"{title}, paper"] = "" if math.isnan(value) else str(value)
        line[f"{title}, ours"] = ours.get((budget, column), "")
    return line
