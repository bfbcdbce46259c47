"""A comparison of two studies: which of the cells that both have differ, by seeds and by images."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from analysis.figures.intervals import Interval, interval_lines
from analysis.report.blocks import Block, Picture, Section, Table, Text
from analysis.report.contents import PAGE, files_of
from analysis.report.page import page
from analysis.report.provenance import about
from analysis.statistics.gains import Gain, ReportSplit, corrected, gain
from analysis.statistics.seeds import mean_over_seeds
from analysis.study import Study, StudyCell
from analysis.style import color
from analysis.table import interval, p_text
from analysis.wording import count
from trainables.mistakes import UserMistake
from trainables.words import REPORT, plus_minus


def comparison_files(ours: Study, theirs: Study) -> dict[str, bytes]:
    """`report.html`, and its table and figure as files. Raises UserMistake where the two share no cell."""
    sections = comparison_sections(ours, theirs)
    html = page(f"{ours.name} and {theirs.name}", f"{about(ours)} — and — {about(theirs)}", sections).encode()
    return {PAGE: html, **files_of(sections)}


def comparison_sections(ours: Study, theirs: Study) -> list[Section]:
    """The cells of both, then what differs in the studies' settings."""
    shared = _shared(ours, theirs)
    if not shared:
        raise UserMistake(
            f"studies {ours.name} and {theirs.name} share no cell: the one has {_some(ours)}, the other {_some(theirs)}"
        )
    splits = ReportSplit(ours), ReportSplit(theirs)
    found = [gain(splits[0], one, splits[1], other) for one, other in shared]
    gains = corrected([one for one in found if one is not None])
    blocks: list[Block] = []
    if gains:
        shown = pd.DataFrame([_line(ours, theirs, one) for one in gains], dtype=str)
        blocks.append(Table("comparison", f"{ours.name} minus {theirs.name}, {count(len(gains), 'cell')}", shown))
        blocks.append(Picture("comparison", f"mIoU of {ours.name} minus that of {theirs.name}.", _figure(ours, gains)))
    blocks.append(Text(READING if any(one.images for one in gains) else f"{READING} {NO_IMAGES}"))
    return [Section("Cells of both", tuple(blocks)), _settings(ours, theirs)]


READING = (
    "Differences are paired by seed, over the seeds that both studies have, ± the half-width of the 95% t-interval. p "
    "is that of the paired t-test after Holm's correction over the cells of this table."
)
NO_IMAGES = "There is no interval over images: the studies were evaluated on different images, or kept no counts."


def _shared(ours: Study, theirs: Study) -> list[tuple[StudyCell, StudyCell]]:
    named = {cell.name: cell for cell in theirs.cells}
    return [(cell, named[cell.name]) for cell in ours.cells if cell.name in named]


def _some(study: Study) -> str:
    names = [cell.name for cell in study.cells]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _line(ours: Study, theirs: Study, found: Gain) -> dict[str, str]:
    images = found.images
    return {
        "cell": _label(ours, found.ours),
        ours.name: _miou(ours, found.ours),
        theirs.name: _miou(theirs, found.theirs),
        "difference": plus_minus(found.seeds.mean, found.seeds.half_width, "+"),
        "95% over images": interval(images.low, images.high) if images else "",
        "p (Holm)": p_text(found.corrected),
        "verdict": found.verdict,
    }


def _miou(study: Study, name: str) -> str:
    cell = next(cell for cell in study.cells if cell.name == name)
    report = study.last(REPORT)
    mean = mean_over_seeds([report[run] for run in study.results(cell).values() if run in report])
    return plus_minus(mean.mean, mean.std)


def _label(study: Study, name: str) -> str:
    return next(cell.label for cell in study.cells if cell.name == name)


def _figure(study: Study, gains: list[Gain]) -> Figure:
    lines = [Interval(_label(study, one.ours), color(0), one) for one in gains]
    return interval_lines(lines, "difference in mIoU, points")


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
