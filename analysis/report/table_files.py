"""The main table of a study as files: Markdown with the notes that belong to it, CSV, and a figure."""

from __future__ import annotations

from analysis import formats
from analysis.conclusions import split_note
from analysis.edges import edge_notes
from analysis.figures.table import table_figure
from analysis.report.results import how_to_read
from analysis.statistics.gains import Judged
from analysis.style import png
from analysis.table import Row, as_people_read, figures

TABLE = "table"
"""Name of the files, before the ending."""


def table_files(judged: Judged, rows: list[Row]) -> dict[str, bytes]:
    """The contents by the kind of file: `md`, `csv` (every number in full precision) and `png`."""
    return {
        "md": table_markdown(judged, rows).encode(),
        "csv": formats.csv(figures(rows)).encode(),
        "png": png(table_figure(judged.study, rows)),
    }


def table_markdown(judged: Judged, rows: list[Row]) -> str:
    """The table as people read it, which images chose and which were reported, and what was left out."""
    study = judged.study
    parts = [f"# {study.name}\n", formats.markdown(as_people_read(study, rows)), f"{split_note(study)}\n"]
    parts += [f"{how_to_read(judged, rows)}\n"]
    parts += [f"{note}\n" for note in edge_notes(study)]
    if left_out := study.plan["left_out"]:
        parts += ["\n".join(["Left out:", *(f"- {left['cell']}: {left['reason']}" for left in left_out)]) + "\n"]
    return "\n".join(parts)
