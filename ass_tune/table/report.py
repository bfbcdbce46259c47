"""Write the final table into the study folder and show it."""

from __future__ import annotations

from collections.abc import Sequence

from ass_tune.search.cell_search import CellSearch
from ass_tune.search.cells import LeftOut
from ass_tune.spec import StudySpec
from ass_tune.table.figure import table_png
from ass_tune.table.rows import Row, table_rows
from ass_tune.table.write import csv_table, markdown
from trainables.storage import Storage


def write_tables(
    spec: StudySpec, searches: Sequence[CellSearch], left_out: Sequence[LeftOut], folder: Storage
) -> tuple[list[Row], dict[str, str]]:
    """The rows of the table, and the files `tables/table.*` by their format."""
    rows = table_rows(searches, left_out, spec.baseline)
    seed = spec.replicate.seeds[0]
    contents = {
        "md": markdown(spec.study, rows, left_out, spec.protocol, seed).encode(),
        "csv": csv_table(rows).encode(),
        "png": table_png(spec.study, rows),
    }
    files = {kind: f"tables/table.{kind}" for kind in contents}
    for kind, content in contents.items():
        folder.write_bytes(files[kind], content)
    return rows, files
