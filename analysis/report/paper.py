"""The section that sets the paper's tables beside ours."""

from __future__ import annotations

from analysis.published import TABLES, beside_ours, caution
from analysis.report.blocks import Section, Table, Text
from analysis.study import Study
from trainables.words import BUDGET

OURS = (
    "Ours is mIoU ± std over seeds on the report split; for lambda_sadv the mean over the tuning trials whose value is "
    "nearest to the printed one, and their number."
)


def beside_the_paper(study: Study) -> Section | None:
    """Tables 1 to 3; None for studies of something else than adaptors at numbers of labeled images."""
    if not {"adaptor", BUDGET} <= set(study.factors):
        return None
    return Section("Beside the paper", (Text(caution(study), warning=True), Text(OURS), *_tables(study)))


def _tables(study: Study) -> list[Table]:
    found = []
    for number, table in enumerate(TABLES, start=1):
        caption = f"{table.title}, {table.classes} classes. {table.note}"
        found.append(Table(f"paper_{number}", caption, beside_ours(table, study), folded=True))
    return found
