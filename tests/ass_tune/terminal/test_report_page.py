"""The report that a study ends with."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from analysis.load import study_in_mlflow
from analysis.report.contents import report_files
from ass_tune.arguments import parse
from ass_tune.plan.study_plan import make_plan
from ass_tune.spec import load
from ass_tune.terminal.end_of_study import end_study
from ass_tune.tracker.opening import open_tracker
from tests.support.study_files import curves_file
from trainables.mistakes import ExitCode
from trainables.storage import Storage

STUDY = curves_file(
    study="reported",
    baseline={"adaptor": "ga"},
    ablate={"adaptor": ["ga", "ga+csa"], "labeled_images": [5]},
    prune=None,
    replicate={"seeds": [0, 1]},
    train={"iterations": 40, "evaluate_every": 20},
)


def test_a_study_ends_with_its_report_in_its_folder_and_in_mlflow_and_says_so(studies, write_file, monkeypatch):
    monkeypatch.setattr(studies.__class__, "options", ())
    done = studies.run(write_file(STUDY))
    assert done.returncode == 0, done.stdout + done.stderr
    page = studies.folder / "reported/report/report.html"
    assert f"report: {page}\n" in done.stdout
    text = page.read_text()
    assert "ga+csa over ga: " in text
    table = (studies.folder / "reported/tables/table.csv").read_text()
    assert table == (studies.folder / "reported/report/tables/table.csv").read_text()
    for row in csv.DictReader(table.splitlines()):
        mean, std = float(row["report_miou"]), float(row["report_std"])
        assert f">{mean:.1f} ± {std:.1f}<" in text, "the page's table is the study's"
    experiment = studies.client.get_experiment_by_name("reported")
    (run,) = studies.client.search_runs([experiment.experiment_id], "tags.stage = 'study'")
    assert run.info.status == "FINISHED"
    recorded = {found.path for found in studies.client.list_artifacts(run.info.run_id, "report")}
    assert recorded == {"report/report.html", "report/figures", "report/tables"}


@pytest.fixture
def ended(driven: Callable, tmp_path: Path) -> Callable[[str, str], tuple[str, dict[str, bytes]]]:
    """`ended(name, uri)`: what a driven study says at its end, and the files of its tables and its report."""

    def end(name: str, uri: str) -> tuple[str, dict[str, bytes]]:
        file = tmp_path / "reported.yaml"
        file.write_text(STUDY)
        studies = tmp_path / name
        spec, arguments = load(file), parse([str(file), "--studies", str(studies), "--tracking-uri", uri])
        folder = Storage(str(studies / spec.study))
        tracker = open_tracker(spec, make_plan(spec, None, measure=False, step_time=0.01), folder, arguments, {})
        study = driven(spec, record=tracker).run(2)
        console = Console(file=io.StringIO(), width=160)
        assert end_study(console, spec, arguments, folder, study.searches, tracker, None) == ExitCode.FINISHED
        assert isinstance(console.file, io.StringIO)
        files = [path for part in ("tables", "report") for path in sorted(folder.local_path(part).rglob("*.*"))]
        return console.file.getvalue(), {
            str(path.relative_to(folder.local_path())): path.read_bytes() for path in files
        }

    return end


def test_without_mlflow_the_tables_and_the_report_are_the_same_as_with_it(
    ended: Callable, migrated: Path, tmp_path: Path
) -> None:
    (tmp_path / "live").mkdir()
    shutil.copy(migrated, tmp_path / "live/mlflow.db")
    uri = f"sqlite:///{tmp_path / 'live/mlflow.db'}"
    said, with_it = ended("live", uri)
    assert "wait for MLflow" not in said
    said, without = ended("dead", "http://ann:s3cret@127.0.0.1:9")
    page = tmp_path / "dead/reported/report/report.html"
    assert f"report: {page}" in said.replace("\n", "") and "records wait for MLflow" in said
    assert "s3cret" not in said
    tables = [name for name in with_it if name.endswith((".csv", ".md", ".tex"))]
    assert len(tables) > 5 and without.keys() == with_it.keys()
    assert {name: without[name] for name in tables} == {name: with_it[name] for name in tables}
    from_mlflow = report_files(study_in_mlflow("reported", uri))
    of_report = [name for name in tables if name.startswith("report/")]
    assert {name: with_it[name] for name in of_report} == {
        name: from_mlflow[name.removeprefix("report/")] for name in of_report
    }
