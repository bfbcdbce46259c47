"""The report that a study ends with."""

from __future__ import annotations

import pytest
from rich.console import Console

from ass_tune.arguments import parse
from ass_tune.terminal.report_page import write_report
from ass_tune.tracker.store import mlflow_store
from ass_tune.tracker.tracker import Tracker
from tests.support.study_files import curves_file
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
    assert f"report: {page} (also in MLflow)" in done.stdout
    text = page.read_text()
    assert "ga+csa over ga: " in text
    table = (studies.folder / "reported/tables/table.csv").read_text().splitlines()[1:]
    for line in table:
        mean, std = line.split(",")[2:4]
        assert f">{float(mean):.1f} ± {float(std):.1f}<" in text, "the report's table is the study's"
    experiment = studies.client.get_experiment_by_name("reported")
    (run,) = studies.client.search_runs([experiment.experiment_id], "tags.stage = 'study'")
    assert run.info.status == "FINISHED"
    recorded = {found.path for found in studies.client.list_artifacts(run.info.run_id, "report")}
    assert recorded == {"report/report.html", "report/figures", "report/tables"}


LATER = "python -m analysis.report reported"


@pytest.mark.parametrize(
    ("user", "command"), [("", f"{LATER} --tracking-uri http://127.0.0.1:9"), ("ann:s3cret@", LATER)]
)
def test_with_mlflow_away_the_command_for_later_is_printed_without_a_password(user, command, tmp_path, capsys):
    away = f"http://{user}127.0.0.1:9"
    arguments = parse(["file.yaml", "--studies", str(tmp_path), "--tracking-uri", away])
    tracker = Tracker("reported", tmp_path / "reported", mlflow_store(tmp_path, away))
    tracker.start({}, {})
    write_report(Console(), "reported", arguments, Storage(str(tmp_path / "reported")), tracker, patience=60)
    assert tracker.close(1) > 0
    assert capsys.readouterr().out == f"report: once MLflow has everything, by {command}\n"
    assert not (tmp_path / "reported/report").exists()
