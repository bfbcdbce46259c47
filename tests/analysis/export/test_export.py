from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis.dataset.files import CHECKSUMS
from analysis.export import write
from analysis.export.__main__ import main
from analysis.export.write import write_export
from analysis.load import load_study
from analysis.readers.api import RunFiles
from analysis.readers.export import experiment_tags, left_out_of, read_export
from analysis.study import Study
from analysis.trials_table import REPORTS
from tests.analysis.conftest import Recorded
from tests.support.project import PROJECT
from trainables.ass.metrics import miou
from trainables.confusions import confusions_from_parquet
from trainables.mistakes import UserMistake

COUNTS, PICTURES = "report_confusions.parquet", "predictions.parquet"
TABLES = ("trials", "reports", "confusions", "images", "predictions", "files")


@pytest.fixture(scope="session")
def study(recorded: Recorded) -> Study:
    return load_study(recorded.name, recorded.uri)


@pytest.fixture(scope="session")
def loaded(exported: Path) -> Study:
    """The study out of its export, from where it is read faster."""
    study = load_study(exported)
    everything(study)
    return study


@pytest.fixture
def copy(exported: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(exported, tmp_path / exported.name))


def everything(study: Study) -> None:
    """Make use of all that a study has."""
    runs = list(study.frame["run"])
    study.pictures(runs)
    for run in [study.run, *runs]:
        for path in study.files.paths(run):
            study.files.read(run, path)


def hashes(folder: Path) -> str:
    return (folder / CHECKSUMS).read_text()


def artifacts(study: Study) -> list[tuple[str, str]]:
    return [(run, path) for run in study.trials["run"].to_pylist() for path in study.files.paths(run)]


def bits(reports: pa.Table) -> np.ndarray:
    return reports["value"].to_numpy().view(np.int64)


def test_the_command_says_how_many_rows_and_bytes_lie_where(
    recorded: Recorded, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([recorded.name, "--tracking-uri", recorded.uri, "--out", str(tmp_path / "here")]) == 0
    lines = capsys.readouterr().out.splitlines()
    found = {line.split()[0]: line.split()[1:] for line in lines}
    assert found["trials.parquet"][0] == "25"
    assert found["confusions.parquet"][0] == str(22 * 8)
    size = (tmp_path / "here" / "reports.parquet").stat().st_size
    assert found["reports.parquet"][1] == f"{size / 1000:.1f}"
    assert lines[-1] == f"study recorded, read back and found the same: {tmp_path / 'here'}"


def test_a_study_read_from_its_export_is_the_one_in_mlflow(study: Study, exported: Path) -> None:
    back = load_study(exported)
    assert back.name == study.name
    assert back.trials.equals(study.trials)
    np.testing.assert_array_equal(bits(back.reports), bits(study.reports))
    assert back.reports.drop_columns("value").equals(study.reports.drop_columns("value"))
    assert back.reports.schema == REPORTS
    assert back.frame.equals(study.frame)
    assert artifacts(back) == artifacts(study)
    for run, path in artifacts(study):
        ours, theirs = back.files.read(run, path), study.files.read(run, path)
        if path in (COUNTS, PICTURES):
            assert pq.read_table(pa.BufferReader(ours)).equals(pq.read_table(pa.BufferReader(theirs)), True)
        else:
            assert ours == theirs


def test_counts_and_pictures_of_an_export_are_those_in_mlflow(study: Study, exported: Path) -> None:
    back, runs = load_study(exported), list(study.frame["run"][study.frame["chosen"]])
    ours, theirs = back.confusions(runs[::-1]), study.confusions(runs[::-1])
    assert ours is not None
    assert theirs is not None
    np.testing.assert_array_equal(ours.counts, theirs.counts)
    assert (ours.images, ours.classes) == (theirs.images, theirs.classes)
    assert (ours.units, ours.resample_by) == (theirs.units, theirs.resample_by) == (theirs.images, "image")
    shown, wanted = back.pictures(runs), study.pictures(runs)
    assert list(shown) == list(wanted) == runs
    for one, other in zip(shown[runs[-1]], wanted[runs[-1]], strict=True):
        assert one.image == other.image
        for name in ("pixels", "truth", "prediction", "colors"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_values_are_exact_to_the_bit(loaded: Study, tmp_path: Path) -> None:
    odd = [float("nan"), float("inf"), float("-inf"), -0.0, 5e-324, 1e-310, 0.1 + 0.2, 1.7976931348623157e308, 0.0, 1.0]
    columns = loaded.reports.slice(0, len(odd)).to_pydict() | {"value": odd}
    changed = replace(loaded, reports=pa.table(columns, REPORTS))
    write_export(changed, {}, tmp_path / "odd")
    assert bits(read_export(tmp_path / "odd").reports).tolist() == np.array(odd).view(np.int64).tolist()


def test_experiment_tags_are_kept(exported: Path) -> None:
    assert experiment_tags(exported) == {"mlflow.experimentKind": "custom_model_development"}


def test_the_same_study_gives_the_same_bytes(recorded: Recorded, exported: Path, tmp_path: Path) -> None:
    assert main([recorded.name, "--tracking-uri", recorded.uri, "--out", str(tmp_path / "again")]) == 0
    assert hashes(tmp_path / "again") == hashes(exported)


def in_duckdb(sql: str, folder: Path) -> dict[str, float]:
    return dict(duckdb.execute(re.sub(r"'(\w+\.parquet)'", rf"'{folder}/\1'", sql)).fetchall())


def in_python(code: str, folder: Path) -> dict[str, float]:
    found: dict[str, Any] = {}
    exec(re.sub(r'"(\w+\.parquet)"', rf'"{folder}/\1"', code), found)
    return found["miou"]


def test_duckdb_polars_and_pandas_compute_the_miou_as_the_documentation_shows(study: Study, exported: Path) -> None:
    text = (PROJECT / "docs" / "export.md").read_text()
    (sql,) = re.findall("```sql\n(.*?)```", text, re.DOTALL)
    polars, pandas = re.findall("```python\n(.*?)```", text, re.DOTALL)
    wanted = {
        run: miou(confusions_from_parquet(study.files.read(run, path))[0].sum(0))
        for run, path in artifacts(study)
        if path == COUNTS
    }
    assert len(wanted) == 22
    assert wanted == pytest.approx({run: study.last("report/miou")[run] for run in wanted})
    assert in_duckdb(sql, exported) == pytest.approx(wanted, rel=1e-13)
    assert in_python(polars, exported) == pytest.approx(wanted, rel=1e-13)
    assert in_python(pandas, exported) == pytest.approx(wanted, rel=1e-13)


def test_duckdb_joins_reports_with_tags_of_their_trials(study: Study, exported: Path) -> None:
    found = duckdb.execute(
        f"SELECT tags['adaptor'], max(value) FROM '{exported}/reports.parquet' JOIN '{exported}/trials.parquet' "
        "USING (run) WHERE metric = 'select/miou' GROUP BY 1"
    ).fetchall()
    frame = study.frame
    assert dict(found) == {name: frame["select/miou"][frame["adaptor"] == name].max() for name in ("joint", "ga+csa")}


def test_only_table_keeps_trials_and_reports_and_what_the_table_is_made_of(
    recorded: Recorded, study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "small"
    assert main([recorded.name, "--tracking-uri", recorded.uri, "--out", str(folder), "--only-table"]) == 0
    left_out = [
        "artifacts of 12 trials that the table is not made of",
        "predictions.parquet of all seeds but 0",
        "panel.png of every trial",
        "report/ of the study's run",
    ]
    assert capsys.readouterr().out.splitlines()[-1] == f"left out: {'; '.join(left_out)}"
    assert left_out_of(folder) == left_out
    back = load_study(folder)
    assert back.trials.equals(study.trials)
    np.testing.assert_array_equal(bits(back.reports), bits(study.reports))
    kept = {run: set(back.files.paths(run)) for run in study.frame["run"]}
    for row in study.frame.to_dict("records"):
        wanted = {COUNTS, PICTURES} if row["seed"] == 0 else {COUNTS}
        assert kept[row["run"]] == (wanted if row["chosen"] else set())
    own = [path for path in study.files.paths(study.run) if not path.startswith("report/")]
    assert list(back.files.paths(study.run)) == own


def test_an_export_is_made_smaller_without_mlflow(recorded: Recorded, exported: Path, tmp_path: Path) -> None:
    ours, theirs = tmp_path / "from_export", tmp_path / "from_mlflow"
    assert main([str(exported), "--out", str(ours), "--only-table"]) == 0
    assert main([recorded.name, "--tracking-uri", recorded.uri, "--out", str(theirs), "--only-table"]) == 0
    assert hashes(ours) == hashes(theirs)
    assert main([str(ours), "--out", str(tmp_path / "again")]) == 0
    assert left_out_of(tmp_path / "again") == left_out_of(ours)


def test_counts_are_read_when_they_are_asked_for_and_once(study: Study, copy: Path) -> None:
    back = read_export(copy)
    runs = list(study.frame["run"][study.frame["chosen"]])
    assert COUNTS in back.files.paths(runs[0])
    assert back.confusions(runs[:1]) is not None
    (copy / "confusions.parquet").unlink()
    assert back.confusions(runs) is not None


@pytest.mark.parametrize("name", TABLES)
def test_a_damaged_file_is_found_wherever_the_damage_is(copy: Path, name: str) -> None:
    path = copy / f"{name}.parquet"
    whole = path.read_bytes()
    for place in np.linspace(0, len(whole) - 1, 12).astype(int):
        damaged = bytearray(whole)
        damaged[place] ^= 0x10
        path.write_bytes(damaged)
        with pytest.raises(UserMistake, match=f"{name}.parquet"):
            everything(read_export(copy))
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserMistake, match=f"{name}.parquet"):
        everything(read_export(copy))
    path.unlink()
    with pytest.raises(UserMistake, match=f"{name}.parquet"):
        read_export(copy)


def foreign_trials(folder: Path) -> None:
    pq.write_table(pa.table({"run": ["a"]}), folder / "trials.parquet")


def another_version(folder: Path) -> None:
    table = pq.read_table(folder / "trials.parquet")
    metadata = {**table.schema.metadata, b"ass_tune.export": b"7"}
    pq.write_table(table.replace_schema_metadata(metadata), folder / "trials.parquet")


def other_columns(folder: Path) -> None:
    table = pq.read_table(folder / "trials.parquet")
    renamed = table.rename_columns({"cell": "row"}).replace_schema_metadata(table.schema.metadata)
    pq.write_table(renamed, folder / "trials.parquet")


def no_checksums(folder: Path) -> None:
    (folder / CHECKSUMS).unlink()


def strange_checksums(folder: Path) -> None:
    (folder / CHECKSUMS).write_text("none\n")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (foreign_trials, "trials.parquet is of no export: its metadata has no 'ass_tune.export'"),
        (another_version, "trials.parquet has version 7 of the format; this code reads version 2"),
        (other_columns, "trials.parquet has the columns run .*row.*; expected: run, name, status"),
        (no_checksums, "SHA256SUMS is missing"),
        (strange_checksums, "SHA256SUMS is damaged"),
    ],
)
def test_what_is_no_export_of_this_format_is_refused(
    copy: Path, change: Callable[[Path], None], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    change(copy)
    with pytest.raises(UserMistake, match=message):
        load_study(copy)
    assert main([str(copy), "--out", str(copy.parent / "other")]) == 2
    assert re.search(message, capsys.readouterr().err)
    assert not (copy.parent / "other").exists()


def another_study(study: Study, folder: Path) -> None:
    write_export(replace(study, name="other"), {}, folder)


def somebodys_notes(study: Study, folder: Path) -> None:
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")


def an_export_with_notes(study: Study, folder: Path) -> None:
    write_export(study, {}, folder)
    (folder / "notes.txt").write_text("mine")


def a_file(study: Study, folder: Path) -> None:
    folder.write_text("mine")


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (another_study, "holds the export of study 'other', not of 'recorded'"),
        (somebodys_notes, "holds no export: there is no trials.parquet in it"),
        (an_export_with_notes, "also holds notes.txt, which would be lost"),
        (a_file, "is a file"),
    ],
)
def test_what_is_not_replaceable_is_left_as_it_is(
    loaded: Study, tmp_path: Path, prepare: Callable[[Study, Path], None], message: str
) -> None:
    folder = tmp_path / "taken"
    prepare(loaded, folder)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(UserMistake, match=message):
        write_export(loaded, {}, folder)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_an_older_export_is_replaced(loaded: Study, exported: Path, tmp_path: Path) -> None:
    folder = tmp_path / "exports" / "recorded"
    write_export(loaded, experiment_tags(exported), folder, lambda run, path: run == loaded.run)
    write_export(loaded, experiment_tags(exported), folder)
    assert hashes(folder) == hashes(exported)
    assert [path.name for path in folder.parent.iterdir()] == ["recorded"]


def test_an_interrupted_export_leaves_the_older_one(
    recorded: Recorded, copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = hashes(copy)

    def interrupted(self: RunFiles, run: str, path: str) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(RunFiles, "read", interrupted)
    assert main([recorded.name, "--tracking-uri", recorded.uri, "--out", str(copy)]) == 130
    assert capsys.readouterr().err == "Interrupted: nothing was exported, and an older export stays.\n"
    monkeypatch.undo()
    everything(read_export(copy))
    assert hashes(copy) == before
    assert [path.name for path in copy.parent.iterdir()] == ["recorded"]


def test_what_is_read_back_otherwise_is_not_put_in_place(
    loaded: Study, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, write_table = hashes(copy), write.write_table

    def losing(folder: Path, name: str, table: pa.Table, metadata: dict[bytes, bytes]) -> None:
        write_table(folder, name, table.slice(0, len(table) - 1) if name == "reports" else table, metadata)

    monkeypatch.setattr(write, "write_table", losing)
    number = len(loaded.reports)
    with pytest.raises(UserMistake, match=f"was not written: read back, {number} reported values are {number - 1}"):
        write_export(loaded, {}, copy)
    assert hashes(copy) == before
    assert [path.name for path in copy.parent.iterdir()] == ["recorded"]


def test_an_export_does_not_replace_what_it_is_made_of(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = hashes(copy)
    assert main([str(copy), "--out", str(copy), "--only-table"]) == 2
    assert "would replace itself" in capsys.readouterr().err
    assert hashes(copy) == before


def test_a_study_whose_artifacts_are_away_is_not_exported_without_them(
    recorded: Recorded, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    artifacts = recorded.folder / "mlartifacts"
    artifacts.rename(recorded.folder / "away")
    try:
        assert main([recorded.name, "--tracking-uri", recorded.uri, "--out", str(tmp_path / "x")]) == 2
    finally:
        (recorded.folder / "away").rename(artifacts)
    assert "are its artifacts where MLflow expects them?" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_study_is_told_with_the_nearest_name(
    recorded: Recorded, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["recorder", "--tracking-uri", recorded.uri, "--out", str(tmp_path / "x")]) == 2
    assert "did you mean 'recorded'?" in capsys.readouterr().err


def test_an_mlflow_that_fails_is_told_without_a_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"no database" * 1000)
    assert (
        main(["recorded", "--tracking-uri", f"sqlite:///{tmp_path / 'mlflow.db'}", "--out", str(tmp_path / "x")]) == 2
    )
    assert "mlflow.db is no SQLite database" in capsys.readouterr().err
