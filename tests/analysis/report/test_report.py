"""The report page: it needs no network, fits a phone, and is among the artifacts of the study's run."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient
from playwright.sync_api import sync_playwright

from analysis.report.command import main
from tests.support.page_tables import PageTables
from tests.support.project import PROJECT

CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="module")
def folder(with_report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `python -m analysis.report` writes."""
    out = tmp_path_factory.mktemp("report")
    arguments = ["-m", "analysis.report", with_report.name, "--tracking-uri", with_report.uri, "--out", str(out)]
    done = subprocess.run(
        [sys.executable, *arguments], cwd=PROJECT, capture_output=True, text=True, check=False, timeout=280
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert f"report: {out / 'report.html'}" in done.stdout
    return out


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


def test_the_page_asks_nothing_of_a_network(page: str) -> None:
    targets = re.findall(r'(?:src|href)="([^"]*)"|url\("([^"]*)"\)', page)
    targets = [source or background for source, background in targets]
    assert targets
    assert all(target.startswith(("data:", "#")) for target in targets)
    assert not re.search(r"@import|url\([^\"]|<script|<link", page)


def test_the_page_says_what_the_study_shows_first(page: str) -> None:
    sections = re.findall(r"<h2>(.*?)</h2>", page)
    assert sections[:3] == ["What the study shows", "The table", "Select and report split"]
    assert {
        "Every comparison",
        "Classes",
        "Predictions",
        "Comparison with the paper",
        "How to get these numbers again",
    } <= set(sections)
    assert "ga+csa over joint: " in page
    assert "from other images, the report split" in page
    assert "not Cityscapes" in page


def test_tables_and_figures_are_files_too_and_artifacts_of_the_studys_run(folder: Path, with_report) -> None:
    written = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    for name in ("table", "comparisons", "paper_1"):
        assert {f"tables/{name}.{kind}" for kind in ("md", "tex", "csv")} <= written
    for name in ("budget_curves", "gains", "class_gains", "predictions_5"):
        assert {f"figures/{name}.{kind}" for kind in ("svg", "png")} <= written
    client = MlflowClient(tracking_uri=with_report.uri)
    experiment = client.get_experiment_by_name(with_report.name)
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id], "tags.stage = 'study'")
    for place in ("report", "report/tables", "report/figures"):
        recorded_files = {found.path for found in client.list_artifacts(run.info.run_id, place) if not found.is_dir}
        parent = place.removeprefix("report").strip("/")
        assert recorded_files == {f"report/{name}" for name in written if name.rpartition("/")[0] == parent}


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
@pytest.mark.parametrize(("name", "width"), [("desktop", 1400), ("phone", 390)])
def test_the_page_fits_its_window(folder: Path, name: str, width: int) -> None:
    """Wide tables and figures scroll by themselves. The pictures are kept in `test-output/`."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        shown = browser.new_page(viewport={"width": width, "height": 900})
        shown.goto(f"file://{folder / 'report.html'}")
        assert shown.evaluate("document.documentElement.scrollWidth") == width
        loaded = shown.evaluate("[...document.images].map(image => image.naturalWidth)")
        assert len(loaded) > 4 and min(loaded) > 0
        scrolls = shown.evaluate("(t => t.scrollWidth > t.clientWidth)(document.querySelector('#table').parentNode)")
        assert scrolls == (name == "phone")
        (PROJECT / "test-output").mkdir(exist_ok=True)
        shown.screenshot(path=PROJECT / "test-output" / f"report_{name}.png", full_page=True)
        browser.close()


def test_two_studies_stand_beside_each_other(recorded, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--compare", recorded.name, recorded.name, "--tracking-uri", recorded.uri, "--out", str(tmp_path)]
    assert main(arguments) == 0
    assert capsys.readouterr().err == ""
    titles, *rows = PageTables((tmp_path / "report.html").read_text()).rows["comparison"]
    assert [row[titles.index("difference")] for row in rows] == ["+0.0 (+0.0 to +0.0)"] * 4
    assert "verdict" not in titles, "nothing of it was named before the studies"


def test_an_unknown_study_is_one_line(recorded, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["record", "--tracking-uri", recorded.uri]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == f"no study 'record' in {recorded.uri}; did you mean 'recorded'?\n"
