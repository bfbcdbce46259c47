"""The README's table of results is that of the shipped export, with the tool's own verdicts."""

from __future__ import annotations

import re

from analysis.load import load_study
from analysis.statistics.gains import Judged
from analysis.table import as_people_read, table_rows
from tests.support.project import PROJECT

README = (PROJECT / "README.md").read_text(encoding="utf-8").replace("−", "-")


def readme_rows(method: str) -> dict[str, dict[str, str]]:
    """By number of labels, the cells of the README's table that has a column for this method."""
    (table,) = [
        table for table in re.findall(r"(?:^\|.*\n)+", README, re.MULTILINE) if f"| {method} | gain over ga" in table
    ]
    titles, _, *rows = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in table.splitlines()]
    return {row[0]: dict(zip(titles, row, strict=True)) for row in rows}


def test_every_number_and_verdict_of_the_readme_is_the_shipped_study_s() -> None:
    judged = Judged(load_study(str(PROJECT / "analysis/notebooks/table1_streets"), None))
    shown = as_people_read(judged.study, table_rows(judged))
    table = {(row["adaptor"], row["labeled_images"], row["lr_sd"]): row for row in shown.to_dict("records")}
    for method in ("ga+fcsa", "ga+csa"):
        rows = readme_rows(method)
        assert list(rows) == ["5", "20", "200"]
        for labels, row in rows.items():
            ours = table[method, labels, "0.001"]
            assert row[method] == ours["mIoU report"]
            assert row["gain over ga"] == f"{ours['gain']} {ours['verdict']}"
            assert row["gain over its control"] == f"{ours['over its control']} {ours['control']}"
            for other in {"joint", "ga"} & row.keys():
                assert row[other] == table[other, labels, "any"]["mIoU report"]
