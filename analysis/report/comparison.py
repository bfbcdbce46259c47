"""A comparison of two studies: how far the cells that both have differ. It is exploratory and gives no verdict."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from analysis.figures.intervals import Interval, interval_lines
from analysis.report.blocks import Block, Picture, Section, Table, Text
from analysis.report.contents import PAGE, files_of
from analysis.report.page import page
from analysis.report.provenance import about
from analysis.statistics.gains import Judged, over_another_study
from analysis.statistics.seeds import mean_over_seeds
from analysis.statistics.verdict import Comparison
from analysis.study import Study
from analysis.style import color
from analysis.table import gain_text
from analysis.wording import count
from trainables.mistakes import UserMistake
from trainables.words import plus_minus


def comparison_files(ours: Study, theirs: Study) -> dict[str, bytes]:
    """`report.html`, and its table and figure as files. Raises UserMistake where the two share no cell."""
    sections = comparison_sections(ours, theirs)
    html = page(f"{ours.name} and {theirs.name}", f"{about(ours)} — and — {about(theirs)}", sections).encode()
    return {PAGE: html, **files_of(sections)}


def comparison_sections(ours: Study, theirs: Study) -> list[Section]:
    """The cells of both, then what differs in the studies' settings."""
    if {cell.name for cell in ours.cells}.isdisjoint(cell.name for cell in theirs.cells):
        raise UserMistake(
            f"studies {ours.name} and {theirs.name} share no cell: the one has {_some(ours)}, the other {_some(theirs)}"
        )
    found = over_another_study(Judged(ours), Judged(theirs))
    blocks: list[Block] = []
    if found:
        shown = pd.DataFrame([_line(ours, theirs, *one) for one in found.items()], dtype=str)
        blocks.append(Table("comparison", f"{ours.name} minus {theirs.name}, {count(len(found), 'cell')}", shown))
        blocks.append(
            Picture(
                "comparison", f"{ours.objective.name} of {ours.name} minus that of {theirs.name}.", _figure(ours, found)
            )
        )
    with_images = any(one.image_variance is not None for one in found.values())
    blocks.append(Text(READING if with_images else f"{READING} {NO_IMAGES}"))
    return [Section("Cells of both", tuple(blocks)), _settings(ours, theirs)]


READING = (
    "Differences are paired by seed, over the seeds that both studies have, with the 95% interval of each by itself: "
    "for other seeds and, where both studies were evaluated on the same ones, for other images. Nothing was named "
    "before the studies and nothing is corrected for being several, so there is no verdict. A study that has both "
    "sides as cells can give one."
)
NO_IMAGES = "The intervals are not for other images: the studies were evaluated on different ones, or kept no counts."


def _some(study: Study) -> str:
    names = [cell.name for cell in study.cells]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _line(ours: Study, theirs: Study, cell: str, found: Comparison) -> dict[str, str]:
    return {
        "cell": _label(ours, cell),
        ours.name: _mean(ours, cell),
        theirs.name: _mean(theirs, cell),
        "difference": gain_text(found),
        "seeds": str(len(found.seeds)),
    }


def _mean(study: Study, name: str) -> str:
    cell = next(cell for cell in study.cells if cell.name == name)
    report = study.last(study.objective.report)
    mean = mean_over_seeds([report[run] for run in study.results(cell).values() if run in report])
    return plus_minus(mean.mean, mean.std)


def _label(study: Study, name: str) -> str:
    return next(cell.label for cell in study.cells if cell.name == name)


def _figure(study: Study, found: dict[str, Comparison]) -> Figure:
    lines = [Interval(_label(study, cell), color(0), one) for cell, one in found.items()]
    return interval_lines(lines, f"difference in {study.objective.name}{study.objective.axis_of_difference}")


def _settings(ours: Study, theirs: Study) -> Section:
    """What the two files ask for differently."""
    names = dict.fromkeys([*ours.settings, *theirs.settings])
    rows = [
        {"field": name, ours.name: _value(ours, name), theirs.name: _value(theirs, name)}
        for name in names
        if ours.settings.get(name) != theirs.settings.get(name)
    ]
    if not rows:
        return Section("What differs in the files", (Text("The two search-space files ask for the same."),))
    table = Table("settings", "Fields of the search-space files that differ", pd.DataFrame(rows, dtype=str))
    return Section("What differs in the files", (table,))


def _value(study: Study, name: str) -> str:
    return str(study.settings.get(name, "default"))
