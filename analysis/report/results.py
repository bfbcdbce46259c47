"""The sections on results: what the study shows, the table, every pair, classes, predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from analysis.conclusions import (
    conclusions,
    luck_note,
    luck_of_the_first_seed,
    optimism,
    optimism_note,
    split_note,
    why_none,
)
from analysis.figures.class_gains import class_gains
from analysis.figures.gains import gain_intervals
from analysis.figures.predictions import prediction_panels
from analysis.figures.table import has_budget_axis, table_figure
from analysis.report.blocks import Block, Picture, Points, Section, Table, Text
from analysis.statistics.gains import ALPHA, RESAMPLES, Gain, ReportSplit, pairs
from analysis.study import Study
from analysis.table import Row, as_people_read, figures, interval, p_text
from analysis.wording import count
from trainables.words import BUDGET, plus_minus

MAIN_TABLE, DETAILS = "table", "details"
MAIN_COLUMNS = ("mIoU report", "gain", "95% over images", "p (Holm)", "verdict", "seeds")
"""Of the main table, after the factors: as many as fit a window of 1400 pixels; all others are in the details."""
READ_MIOU = (
    "mIoU is in percent, on the report split: the mean over the seeds of a cell's best configuration, ± the standard "
    "deviation over seeds."
)
READ_GAINS = (
    "A gain is the mean difference to the baseline, which has the cell's other levels; it is "
    "paired by seed, ± the half-width of its 95% t-interval over seeds. The 95% interval over images is that of the "
    f"same difference by a paired bootstrap ({RESAMPLES} resamples, bias-corrected and accelerated). p is that of the "
    "paired t-test over seeds, after Holm's correction over all gains of the table. The verdict is `better` or `worse` "
    "only where both intervals exclude zero and the corrected p-values, over seeds and over images, are both below "
    f"{ALPHA}."
)
READ_DETAILS = "In the details, select − report is the difference in mIoU between the two splits."
READ_EFFECTS = (
    "Effect is the mean difference divided by its standard deviation over seeds; seeds needed is the number of seeds "
    "at which a paired t-test would find an effect of this size with a power of 80%."
)


def what_it_shows(study: Study, rows: list[Row]) -> Section:
    """Sentences first, then the two pictures that carry them."""
    said = conclusions(study, rows)
    blocks: list[Block] = [Points(tuple(said)) if said else Text(why_none(study, rows))]
    if any(row.report is not None for row in rows):
        over = " over the number of labeled images" if has_budget_axis(rows) else ""
        blocks.append(Picture("budget_curves", f"mIoU on the report split{over}.", table_figure(study, rows)))
    if (gains := gain_intervals(study, rows)) is not None:
        blocks.append(Picture("gains", "Gains over the baseline.", gains))
    return Section("What the study shows", tuple(blocks))


def main_table(study: Study, rows: list[Row]) -> Section:
    """The table that everything else explains, and what did not fit into it."""
    whole = as_people_read(study, rows)
    whole = whole.loc[:, (whole != "").any()]
    main = [name for name in whole.columns if name in study.factors or name in MAIN_COLUMNS]
    rest = [name for name in whole.columns if name in study.factors or name not in MAIN_COLUMNS]
    caption = f"Study {study.name}{f'. {split_note(study)}' if study.protocol == 'paper' else ''}"
    table = Table(MAIN_TABLE, caption, whole.filter(items=main), figures(rows))
    details = Table(DETAILS, "Details of each cell", whole.filter(items=rest), folded=True)
    return Section("The table", (table, Text(how_to_read(rows)), details, Text(how_to_read_details(rows))))


def how_to_read(rows: Sequence[Row]) -> str:
    """What the numbers of the main table are; of gains only where there are some."""
    return f"{READ_MIOU} {READ_GAINS}" if any(row.gain for row in rows) else READ_MIOU


def how_to_read_details(rows: Sequence[Row]) -> str:
    """What the numbers of the details are."""
    return f"{READ_DETAILS} {READ_EFFECTS}" if any(row.gain for row in rows) else READ_DETAILS


def splits(study: Study, rows: list[Row]) -> Section:
    """Who chose, who reported, and how optimistic the choice was."""
    blocks: list[Block] = [Text(split_note(study), warning=study.protocol == "paper")]
    found = optimism(rows)
    if found is not None and study.protocol != "paper":
        blocks.append(Text(optimism_note(found)))
    luck = luck_of_the_first_seed(study)
    if luck is not None:
        blocks.append(Text(luck_note(luck)))
    return Section("Select and report split", tuple(blocks))


def every_pair(split: ReportSplit) -> Section | None:
    """All comparisons at the same number of labeled images."""
    found = pairs(split)
    if not found:
        return None
    of_which = " at the same number of labeled images" if BUDGET in split.study.factors else ""
    if len(found) == 1:
        caption = f"The only pair of cells{of_which}"
    else:
        caption = f"All {len(found)} pairs of cells{of_which}; Holm's correction is over all of them"
    return Section("Every pair", (Table("pairs", caption, pairs_table(split.study, found), folded=True),))


def classes(study: Study) -> Section | None:
    """Which classes gain."""
    figure = class_gains(study)
    if figure is None:
        return None
    caption = "IoU per class minus that of the baseline, in points, mean over seeds."
    return Section("Classes", (Picture("class_gains", caption, figure),))


def predictions(study: Study) -> Section | None:
    """Figure 3 of the paper, at each number of labeled images."""
    budgets = sorted({cell.budget for cell in study.cells}, key=lambda budget: -1 if budget is None else budget)
    blocks = []
    for budget in budgets:
        if (figure := prediction_panels(study, budget)) is not None:
            caption = "Images of the report split" + ("" if budget is None else f", {count(budget, 'labeled image')}")
            name = "predictions" if budget is None else f"predictions_{budget}"
            blocks.append(Picture(name, f"{caption}. {PREDICTIONS}", figure, photographs=True))
    return Section("Predictions", tuple(blocks)) if blocks else None


PREDICTIONS = (
    "Each cell's configuration under the table's first seed. Black is void: pixels that are not labeled in the truth. "
    "They do not count, and predictions are black there too."
)


def pairs_table(study: Study, gains: Sequence[Gain]) -> pd.DataFrame:
    """Comparisons as people read them."""
    labels = {cell.name: cell.label for cell in study.cells}
    return pd.DataFrame([_pair(gain, labels) for gain in gains], dtype=str)


def _pair(gain: Gain, labels: Mapping[str, str]) -> dict[str, str]:
    images = gain.images
    return {
        "cell": labels[gain.ours],
        "minus": labels[gain.theirs],
        "difference": plus_minus(gain.seeds.mean, gain.seeds.half_width, "+"),
        "95% over images": interval(images.low, images.high) if images else "",
        "p (Holm)": p_text(gain.corrected),
        "verdict": gain.verdict,
    }
