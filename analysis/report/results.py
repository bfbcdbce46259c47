"""The sections on results: what the study shows, the table, every comparison, classes, predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from analysis.conclusions import conclusions, no_result, not_compared, seeds_saved, split_note, why_none
from analysis.edges import edge_notes
from analysis.figures.class_gains import class_gains
from analysis.figures.gains import gain_intervals
from analysis.figures.predictions import prediction_panels
from analysis.figures.table import has_budget_axis, table_figure
from analysis.report.blocks import Block, Picture, Points, Section, Table, Text
from analysis.statistics.gains import Judged
from analysis.statistics.verdict import ALPHA, Comparison
from analysis.study import Study
from analysis.table import Row, as_people_read, figures, gain_text, p_text, verdict_of
from analysis.wording import count
from trainables.objective import Objective
from trainables.words import BUDGET, label

MAIN_TABLE, DETAILS = "table", "details"
MAIN_COLUMNS = ("gain", "p", "verdict", "over its control", "control", "seeds")
"""Of the main table, after factors and objective: as many as fit 1400 pixels; all others are in the details."""
READ_OBJECTIVE = (
    "{} on the report split: the mean over the seeds of a cell's best configuration, ± the standard "
    "deviation over seeds."
)
READ_GAINS = (
    "A gain is the mean difference to the baseline, which has the cell's other levels; it is paired by seed. In "
    "brackets is its one interval, for other seeds and, where counts were kept, for other images. All "
    f"intervals of primary comparisons cover together with {1 - ALPHA:.0%}, and p is corrected alike. The verdict "
    "follows from the interval: `better` and `worse` exclude zero, `equivalent` is within the smallest difference of "
    "interest, and `undecided` is everything else: it does not mean that there is no difference."
)
READ_LESS = "Less {} is better: a gain is the baseline's minus the cell's."
READ_SMALL = "`(small)` is certain and still within the smallest difference of interest, {}."
READ_LOOKS = (
    "Seeds were added until a comparison was decided or could hardly be decided any more: it was looked at after {} "
    "seeds and after each further one, up to {}. Intervals and p are of the look that ended it, and hold for all looks "
    "together; {} is over all runs of a cell."
)
READ_CONTROL = (
    "A gain is credited only where the cell is also better than its control, which has {}: otherwise the verdict is "
    "`better, control not beaten`. Where the control is better, the verdict of any other gain says so."
)
READ_EXPLORATORY = (
    "An exploratory comparison was not named before the study: its interval is for itself alone, and it has no verdict."
)
NOT_COMPARED = "Primary comparisons that the search-space file asks for and that cannot be made:"


def what_it_shows(judged: Judged, rows: list[Row]) -> Section:
    """Sentences first, then the two pictures that carry them."""
    said = conclusions(judged)
    blocks: list[Block] = [Points(tuple(said)) if said else Text(why_none(judged, rows))]
    if (saved := seeds_saved(judged)) is not None:
        blocks.append(Text(saved))
    if (nothing := no_result(rows)) is not None:
        blocks.insert(0, Text(nothing, warning=True))
    if any(row.report is not None for row in rows):
        over = " over the number of labeled images" if has_budget_axis(rows) else ""
        figure = table_figure(judged.study, rows)
        blocks.append(Picture("budget_curves", f"{judged.study.objective.name} on the report split{over}.", figure))
    if (gains := gain_intervals(judged)) is not None:
        blocks.append(Picture("gains", _caption(judged), gains))
    return Section("What the study shows", tuple(blocks))


def _caption(judged: Judged) -> str:
    controls = "; hollow: over its control" if any(gain.control is not None for gain in judged.primary) else ""
    return f"Gains of the primary comparisons{controls}."


def main_table(judged: Judged, rows: list[Row]) -> Section:
    """The table that everything else explains, and what did not fit into it."""
    study = judged.study
    whole = as_people_read(study, rows)
    whole = whole.loc[:, (whole != "").any()]
    columns = (f"{study.objective.name} report", *MAIN_COLUMNS)
    main = [name for name in whole.columns if name in study.factors or name in columns]
    rest = [name for name in whole.columns if name in study.factors or name not in columns]
    caption = f"Study {study.name}{f'. {split_note(study)}' if study.protocol == 'paper' else ''}"
    table = Table(MAIN_TABLE, caption, whole.filter(items=main), figures(rows))
    details = Table(DETAILS, "Details of each cell", whole.filter(items=rest), folded=True)
    notices = [Text(note, warning=True) for note in edge_notes(study)]
    return Section("The table", (table, Text(how_to_read(judged, rows)), *notices, details))


def how_to_read(judged: Judged, rows: Sequence[Row]) -> str:
    """What the numbers of the main table are; of gains only where there are some."""
    gains, objective = [row.gain for row in rows if row.gain], judged.study.objective
    said = [READ_OBJECTIVE.format(_in_unit(objective))]
    if not gains:
        return said[0]
    said.append(READ_GAINS)
    if objective.sign < 0:
        said.append(READ_LESS.format(objective.name))
    if judged.looks is not None:
        said.append(READ_LOOKS.format(judged.looks.first, judged.looks.last, objective.name))
    if any(gain.comparison.within_margin for gain in gains):
        said.append(READ_SMALL.format(objective.counted(judged.margin)))
    if any(gain.control is not None for gain in gains):
        said.append(READ_CONTROL.format(f"`{label(judged.study.settings.get('control', {}).items())}`"))
    if any(not gain.comparison.primary for gain in gains):
        said.append(READ_EXPLORATORY)
    return " ".join(said)


def _in_unit(objective: Objective) -> str:
    """E.g. `mIoU is in percent,`."""
    return f"{objective.in_unit.replace(' in ', ' is in ', 1)}," if objective.unit else f"{objective.name} is"


def splits(study: Study) -> Section:
    """Which images and seeds chose, and which were reported."""
    return Section("Select and report split", (Text(split_note(study), warning=study.protocol == "paper"),))


def every_comparison(judged: Judged) -> Section | None:
    """The primary comparisons, those with controls included, and all others at the same number of labeled images."""
    primary = [one for one in judged.corrected if one.seeds]
    exploratory = list(judged.exploratory.values())
    of_which = " at the same number of labeled images" if BUDGET in judged.study.factors else ""
    blocks: list[Block] = []
    if primary:
        looks = "" if judged.looks is None else " and for every look; `seeds`: those at the look that ended it"
        caption = f"{count(len(primary), 'primary comparison')}, corrected together{looks}"
        blocks.append(Table("comparisons", caption, comparisons_table(judged.study, primary), folded=True))
    if missing := not_compared(judged.study):
        blocks += [Text(NOT_COMPARED), Points(tuple(missing))]
    if exploratory:
        caption = f"{count(len(exploratory), 'other pair')} of cells{of_which}. {READ_EXPLORATORY}"
        shown = comparisons_table(judged.study, exploratory).drop(columns=["p", "verdict"])
        blocks.append(Table("pairs", caption, shown, folded=True))
    return Section("Every comparison", tuple(blocks)) if blocks else None


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


def comparisons_table(study: Study, found: Sequence[Comparison]) -> pd.DataFrame:
    """Comparisons as people read them."""
    labels = {cell.name: cell.label for cell in study.cells}
    return pd.DataFrame([_line(one, labels) for one in found], dtype=str)


def _line(found: Comparison, labels: Mapping[str, str]) -> dict[str, str]:
    return {
        "cell": labels[found.ours],
        "minus": labels[found.theirs],
        "difference": gain_text(found),
        "p": p_text(found.p),
        "verdict": verdict_of(found),
        "seeds": str(len(found.seeds)),
    }
