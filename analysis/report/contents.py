"""The report of one study: which sections it has, and all of its files."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.report.blocks import Picture, Section, Table
from analysis.report.learning import discriminators, hyperparameters, learning
from analysis.report.page import page
from analysis.report.paper import comparison_with_the_paper
from analysis.report.provenance import about, how_to_rebuild
from analysis.report.results import classes, every_comparison, main_table, predictions, splits, what_it_shows
from analysis.report.snapshots import snapshots
from analysis.statistics.gains import Judged
from analysis.study import Study
from analysis.table import table_rows

PAGE = "report.html"


def report_files(study: Study, judged: Judged | None = None) -> dict[str, bytes]:
    """`report.html`, and under `tables/` and `figures/` everything in it as a file.

    Args:
        study: to report on.
        judged: the study with its comparisons, where the caller has made its table already: nothing is judged twice.
    """
    sections = report_sections(judged or Judged(study))
    html = page(f"Study {study.name}", about(study), sections).encode()
    return {PAGE: html, **files_of(sections)}


def report_sections(judged: Judged) -> list[Section]:
    """What the study shows comes first, then what supports it; sections without content are left out."""
    study, rows = judged.study, table_rows(judged)
    found = [
        what_it_shows(judged, rows),
        main_table(judged, rows),
        splits(study),
        snapshots(study),
        every_comparison(judged),
        classes(study),
        predictions(study),
        hyperparameters(study),
        learning(study),
        discriminators(study),
        comparison_with_the_paper(study),
        how_to_rebuild(study),
    ]
    return [section for section in found if section is not None]


def files_of(sections: Sequence[Section]) -> dict[str, bytes]:
    """Tables as Markdown, LaTeX and CSV, figures as SVG and PNG."""
    blocks = [block for section in sections for block in section.blocks if isinstance(block, Table | Picture)]
    return {path: content for block in blocks for path, content in block.files().items()}
