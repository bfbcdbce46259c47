"""The sections on results: what the study shows, the table, every pair, classes, predictions."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.conclusions import conclusions, luck_of_the_first_seed, optimism, split_note
from analysis.figures.budget_curves import budget_curves
from analysis.figures.class_gains import class_gains
from analysis.figures.gains import gain_intervals
from analysis.figures.predictions import prediction_panels
from analysis.report.blocks import Block, Picture, Points, Section, Table, Text
from analysis.statistics.gains import ALPHA, RESAMPLES, Gain, ReportSplit, pairs
from analysis.study import Study
from analysis.table import Row, as_people_read, figures, interval, p_text, plus_minus

MAIN_TABLE = "table"
HOW_TO_READ = (
    "mIoU in percent on the report split, mean over seeds of each cell's best configuration, ± the standard deviation "
    "over seeds. A gain is the mean difference to the baseline of the same number of labeled images, paired by seed, ± "
    "the half-width of its 95% t-interval; beside it the 95% interval over images (paired bootstrap, "
    f"{RESAMPLES} resamples, bias-corrected and accelerated). p is that of the paired t-test over seeds after Holm's "
    "correction over all gains of the table; effect is the mean difference over its standard deviation; seeds needed "
    "would show a difference of this size at 95% with a power of 80%. The verdict `better` or `worse` asks both "
    f"intervals to exclude zero and both corrected p-values to be below {ALPHA}."
)


def what_it_shows(study: Study, rows: list[Row]) -> Section:
    """Sentences first, then the two pictures that carry them."""
    blocks: list[Block] = []
    if said := conclusions(study, rows):
        blocks.append(Points(tuple(said)))
    else:
        blocks.append(Text("The file names no baseline, or its cells have not finished: no gains are compared."))
    blocks.append(Picture("budget_curves", "mIoU on the report split over labeled images.", budget_curves(study, rows)))
    if (gains := gain_intervals(study, rows)) is not None:
        blocks.append(Picture("gains", "Gains over the baseline with their intervals.", gains))
    return Section("What the study shows", tuple(blocks))


def main_table(study: Study, rows: list[Row]) -> Section:
    """The table that everything else explains."""
    table = Table(MAIN_TABLE, f"Study {study.name}", as_people_read(study, rows), figures(rows))
    return Section("The table", (table, Text(HOW_TO_READ)))


def splits(study: Study, rows: list[Row]) -> Section:
    """Who chose, who reported, and how optimistic the choice was."""
    blocks: list[Block] = [Text(split_note(study), warning=study.protocol == "paper")]
    found = optimism(rows)
    if found is not None and study.protocol != "paper":
        blocks.append(
            Text(
                f"Select minus report mIoU of the winners, over {found.n} cells: "
                f"{plus_minus(found.mean, found.half_width, '+')} points (± 95% interval). It holds what the choice "
                "gained by chance on its own images, and how much easier one split is than the other."
            )
        )
    luck = luck_of_the_first_seed(study)
    if luck is not None:
        blocks.append(
            Text(
                "Configurations are chosen with the first seed alone, so that seed was lucky where chance decided: its "
                f"report mIoU is {plus_minus(luck.mean, luck.half_width, '+')} points above that of the other seeds, "
                f"over {luck.n} cells that tune. Cells that tune nothing have no such luck; with three or more seeds "
                "at most a third of it is in the table."
            )
        )
    return Section("Select and report split", tuple(blocks))


def every_pair(split: ReportSplit) -> Section | None:
    """All comparisons at the same number of labeled images."""
    found = pairs(split)
    if not found:
        return None
    caption = (
        f"All {len(found)} pairs of cells at the same number of labeled images; Holm's correction over all of them"
    )
    return Section("Every pair", (Table("pairs", caption, pairs_table(found), folded=True),))


def classes(study: Study) -> Section | None:
    """Which classes gain."""
    figure = class_gains(study)
    if figure is None:
        return None
    caption = "IoU per class minus that of the baseline at the same number of labeled images, points, mean over seeds."
    return Section("Classes", (Picture("class_gains", caption, figure),))


def predictions(study: Study) -> Section | None:
    """Figure 3 of the paper, at each number of labeled images."""
    budgets = sorted({cell.budget for cell in study.cells}, key=lambda budget: -1 if budget is None else budget)
    blocks = []
    for budget in budgets:
        if (figure := prediction_panels(study, budget)) is not None:
            caption = "Images of the report split" + ("" if budget is None else f", {budget} labeled images")
            name = "predictions" if budget is None else f"predictions_{budget}"
            blocks.append(Picture(name, f"{caption}; first seed of each best configuration.", figure, photographs=True))
    return Section("Predictions", tuple(blocks)) if blocks else None


def pairs_table(gains: Sequence[Gain]) -> pd.DataFrame:
    """Comparisons as people read them."""
    return pd.DataFrame([_pair(gain) for gain in gains], dtype=str)


def _pair(gain: Gain) -> dict[str, str]:
    images = gain.images
    return {
        "ours": gain.ours,
        "theirs": gain.theirs,
        "difference": plus_minus(gain.seeds.mean, gain.seeds.half_width, "+"),
        "95% over images": interval(images.low, images.high) if images else "",
        "p (Holm)": p_text(gain.corrected),
        "verdict": gain.verdict,
    }
