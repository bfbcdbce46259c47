from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from analysis.artifacts import Files
from analysis.dataset.tables import Digests
from analysis.export.compare import difference
from analysis.load import load_study
from analysis.study import Study
from analysis.trials_table import REPORTS, TRIALS


@pytest.fixture(scope="module")
def study(exported: Path) -> Study:
    return load_study(exported)


@pytest.fixture(scope="module")
def digests(study: Study) -> Digests:
    return {
        (run, path): hashlib.sha256(study.files.read(run, path)).digest()
        for run in study.trials["run"].to_pylist()
        for path in study.files.paths(run)
    }


def with_trial(study: Study, row: int, **changed: Any) -> Study:
    rows = study.trials.to_pylist()
    rows[row] |= changed
    return replace(study, trials=pa.Table.from_pylist(rows, TRIALS))


def with_report(study: Study, row: int, **changed: Any) -> Study:
    columns = study.reports.to_pydict()
    for name, value in changed.items():
        columns[name][row] = value
    return replace(study, reports=pa.table(columns, REPORTS))


@dataclass(frozen=True)
class Other:
    """Files of a study but one."""

    files: Files
    run: str
    content: bytes | None

    def paths(self, run: str) -> Sequence[str]:
        return [path for path in self.files.paths(run) if self.content or run != self.run or path != "panel.png"]

    def read(self, run: str, path: str) -> bytes:
        return self.content or b"" if (run, path) == (self.run, "panel.png") else self.files.read(run, path)


def another_panel(study: Study) -> Study:
    return replace(study, files=Other(study.files, study.trials["run"][1].as_py(), b"other"))


def no_panel(study: Study) -> Study:
    return replace(study, files=Other(study.files, study.trials["run"][1].as_py(), None))


def next_bit(study: Study) -> Study:
    row = study.reports["metric"].to_pylist().index("select/miou")
    return with_report(study, row, value=float(np.nextafter(study.reports["value"][row].as_py(), 100)))


def test_a_study_is_the_same_as_itself_in_any_order(study: Study, digests: Digests) -> None:
    assert difference(study, study, digests) is None
    backwards = pa.array(range(len(study.reports) - 1, -1, -1))
    turned = replace(
        study, trials=study.trials.take(pa.array(range(24, -1, -1))), reports=study.reports.take(backwards)
    )
    assert difference(study, turned, digests) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda study: with_trial(study, 3, params=[("lr", "0.2")]), "params of run"),
        (lambda study: with_trial(study, 3, tags=[]), "tags of run"),
        (lambda study: with_trial(study, 3, status="FAILED"), "status of run"),
        (
            lambda study: with_trial(study, 3, end=study.trials["end"][3].as_py() + timedelta(milliseconds=1)),
            "end of run",
        ),
        (lambda study: with_trial(study, 3, run="another"), "25 runs are 25 others"),
        (lambda study: replace(study, trials=study.trials.slice(1)), "25 runs are 24 others"),
        (next_bit, "values differ in value, the first of run .*, metric select/miou, iteration"),
        (lambda study: with_report(study, 9, iteration=7), "values differ in iteration"),
        (lambda study: with_report(study, 9, metric="select/mious"), "values differ in metric"),
        (lambda study: replace(study, reports=study.reports.slice(1)), "reported values are"),
        (another_panel, "artifact panel.png of run .* is another one"),
        (no_panel, "artifacts of run .* are predictions.parquet, report_confusions.parquet"),
    ],
)
def test_any_change_is_told(study: Study, digests: Digests, change: Callable[[Study], Study], words: str) -> None:
    found = difference(study, change(study), digests)
    assert re.search(words, str(found)), found
