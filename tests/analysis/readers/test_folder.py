"""A study out of its own folder is the study that MLflow has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from analysis.load import load_study
from analysis.records import OUTBOX
from analysis.report.contents import report_files
from analysis.study import Study
from trainables.mistakes import UserMistake

BY_HAND = "by_hand"
"""Logged to MLflow from outside of the study."""


@pytest.fixture(scope="module")
def in_mlflow(recorded) -> Study:
    return load_study(recorded.name, recorded.uri)


@pytest.fixture(scope="module")
def in_folder(recorded) -> Study:
    return load_study(recorded.folder / recorded.name)


def rows_of(study: Study) -> list[dict[str, Any]]:
    names = dict(zip(study.trials["run"].to_pylist(), study.trials["name"].to_pylist(), strict=True))
    rows = study.trials.drop_columns(["run"]).to_pylist()
    for row in rows:
        tags = dict(row["tags"])
        row["tags"] = tags | {"mlflow.parentRunId": names.get(tags.get("mlflow.parentRunId"))}
    return rows


def reports_of(study: Study) -> list[tuple]:
    names = dict(zip(study.trials["run"].to_pylist(), study.trials["name"].to_pylist(), strict=True))
    rows = (row for row in study.reports.to_pylist() if row["metric"] != BY_HAND)
    return [(names[row.pop("run")], *row.values()) for row in rows]


def test_trials_and_reports_are_the_same_to_the_last_bit(in_mlflow: Study, in_folder: Study) -> None:
    assert in_folder.name == in_mlflow.name
    assert rows_of(in_folder) == rows_of(in_mlflow)
    assert reports_of(in_folder) == reports_of(in_mlflow)
    assert len(reports_of(in_folder)) > 100


def test_files_are_the_same(in_mlflow: Study, in_folder: Study) -> None:
    both = list(zip(in_folder.trials["run"].to_pylist(), in_mlflow.trials["run"].to_pylist(), strict=True))
    for ours, theirs in both:
        paths = in_folder.files.paths(ours)
        assert paths == in_mlflow.files.paths(theirs)
        assert [in_folder.files.read(ours, path) for path in paths] == [
            in_mlflow.files.read(theirs, path) for path in paths
        ]
    assert sum(len(in_folder.files.paths(run)) for run, _ in both) > 20
    with pytest.raises(FileNotFoundError, match="no artifact none"):
        in_folder.files.read(in_folder.run, "none")


def test_every_table_of_the_report_is_the_same(in_mlflow: Study, in_folder: Study) -> None:
    ours, theirs = report_files(in_folder), report_files(in_mlflow)
    tables = [name for name in theirs if name.startswith("tables/")]
    assert ours.keys() == theirs.keys() and tables
    assert {name: ours[name] for name in tables} == {name: theirs[name] for name in tables}


def test_a_damaged_line_is_left_out_and_said(recorded, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lines = (recorded.folder / recorded.name / OUTBOX).read_bytes().splitlines(keepends=True)
    lines[3] = lines[3].replace(b'"checksum":', b'"checksum":1')
    (tmp_path / OUTBOX).write_bytes(b"".join(lines) + b'{"sequence":')
    assert load_study(tmp_path).name == recorded.name
    assert [record.getMessage().partition(" (")[0] for record in caplog.records] == [
        f"{tmp_path / OUTBOX}: a damaged line before byte {sum(map(len, lines[:4]))} is left out"
    ]


def test_a_folder_whose_study_never_began_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / OUTBOX).touch()
    with pytest.raises(UserMistake, match="holds no study"):
        load_study(tmp_path)
