"""The section with the paper's tables and ours."""

from __future__ import annotations

from analysis.published import TABLES, caution, with_ours
from analysis.report.blocks import Section, Table, Text
from analysis.study import Study
from trainables.objective import MIOU
from trainables.words import BUDGET

OURS = (
    "Ours is mIoU ± standard deviation over seeds on the report split. Where a study tunes lambda_sadv, it is the mean "
    "over the tuning trials whose value is within 10% of the printed one, with the number of these trials in brackets."
)


def comparison_with_the_paper(study: Study) -> Section | None:
    """Tables 1 to 3; None for studies of something else than adaptors at numbers of labeled images."""
    if study.objective != MIOU or not {"adaptor", BUDGET} <= set(study.factors):
        return None
    return Section("Comparison with the paper", (Text(caution(study), warning=True), Text(OURS), *_tables(study)))


def _tables(study: Study) -> list[Table]:
    found = []
    for number, table in enumerate(TABLES, start=1):
        caption = f"{table.title}, {table.classes} classes. {table.note}"
        found.append(Table(f"paper_{number}", caption, with_ours(table, study), folded=True))
    return found
