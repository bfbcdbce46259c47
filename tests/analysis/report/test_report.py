"""The report page: it needs no network, fits a phone, and its numbers follow from the export alone."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from mlflow.tracking import MlflowClient
from playwright.sync_api import sync_playwright
from scipy import stats

from analysis.report.command import main
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


class Tables(HTMLParser):
    """The rows of every table of a page, by its id."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: dict[str, list[list[str]]] = {}
        self._table, self._in_cell = "", False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self._table = dict(attrs)["id"] or ""
            self.rows[self._table] = []
        elif tag == "tr":
            self.rows[self._table].append([])
        elif tag in ("th", "td"):
            self._in_cell = True
            self.rows[self._table][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = self._in_cell and tag not in ("th", "td")

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.rows[self._table][-1][-1] += data


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


def test_a_reader_rebuilds_the_main_table_from_the_export(page: str, exported: Path) -> None:
    """With pyarrow, numpy and scipy alone, by what the page says of its numbers."""
    reader = Reader(exported)
    tables = Tables(page).rows
    titles = tables["table"][0] + tables["details"][0]
    both = zip(tables["table"][1:], tables["details"][1:], strict=True)
    rows = [dict(zip(titles, main + details, strict=True)) for main, details in both]
    assert len(rows) == 4
    for cells in rows:
        runs = reader.runs_of(cells)
        mious = [reader.miou(run) for run in runs]
        assert cells["seeds"] == str(len(runs)) == "3"
        assert cells["mIoU report"] == f"{np.mean(mious):.1f} ± {np.std(mious, ddof=1):.1f}"
        low, high = stats.t.interval(0.95, len(mious) - 1, np.mean(mious), stats.sem(mious))
        assert cells["95% over seeds"] == f"{low:.1f} to {high:.1f}"
        select = [reader.last(run, "select/miou") for run in runs]
        assert cells["mIoU select"] == f"{np.mean(select):.1f} ± {np.std(select, ddof=1):.1f}"
        assert cells["best hyperparameters"] == f"lr={float(reader.trials[runs[0]]['params']['lr']):.3g}"
        if cells["gain"] == "baseline":
            assert cells["adaptor"] == "joint"
            continue
        theirs = reader.runs_of({**cells, "adaptor": "joint"})
        differences = np.subtract(mious, [reader.miou(run) for run in theirs])
        low, high = re.findall(r"[+-][\d.]+", cells["gain"])[1:]
        assert cells["gain"].startswith(f"{differences.mean():+.1f} (") and float(low) < differences.mean() < float(
            high
        )
        decided = {"better": float(low) > 0, "worse": float(high) < 0}
        assert decided.get(cells["verdict"].removesuffix(" (small)"), float(low) <= 0 <= float(high))


class Reader:
    """Someone who has the export and this page."""

    def __init__(self, export: Path) -> None:
        rows = pq.read_table(export / "trials.parquet").to_pylist()
        self.trials = {row["run"]: {**row, "params": dict(row["params"]), "tags": dict(row["tags"])} for row in rows}
        self.reports = pq.read_table(export / "reports.parquet").to_pandas()
        confusions = pq.read_table(export / "confusions.parquet")
        self.classes = len(json.loads(confusions.schema.metadata[b"classes"]))
        self.counts: dict[str, np.ndarray] = {}
        frame = confusions.to_pandas()
        for run in frame["run"].unique():
            of_run = np.stack(frame.loc[frame["run"] == run, "counts"].tolist())
            self.counts[str(run)] = of_run.reshape(-1, self.classes, self.classes)

    def last(self, run: str, metric: str) -> float:
        found = self.reports[(self.reports["run"] == run) & (self.reports["metric"] == metric)]
        return float(found.sort_values("iteration")["value"].iloc[-1])

    def miou(self, run: str) -> float:
        total = self.counts[run].sum(axis=0)
        union = total.sum(0) + total.sum(1) - np.diag(total)
        return float(100 * np.mean((np.diag(total) / union)[union > 0]))

    def runs_of(self, cells: dict[str, str]) -> list[str]:
        """By seed, the runs of the best configuration of a row's cell."""
        place = {"adaptor": cells["adaptor"], "labeled_images": cells["labeled_images"]}
        finished = [
            row for row in self.trials.values() if row["outcome"] == "finished" and place.items() <= row["tags"].items()
        ]
        tuning = [row for row in finished if row["stage"] == "tuning"]
        best = max(tuning, key=lambda row: self.last(row["run"], "select/miou"))
        fresh = [row for row in finished if row["stage"] == "replicate"]
        same = [row for row in fresh if {**row["params"], "seed": 0} == {**best["params"], "seed": 0}]
        return [row["run"] for row in sorted(same, key=lambda row: row["seed"])]


def test_two_studies_stand_beside_each_other(recorded, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--compare", recorded.name, recorded.name, "--tracking-uri", recorded.uri, "--out", str(tmp_path)]
    assert main(arguments) == 0
    assert capsys.readouterr().err == ""
    titles, *rows = Tables((tmp_path / "report.html").read_text()).rows["comparison"]
    assert [row[titles.index("difference")] for row in rows] == ["+0.0 (+0.0 to +0.0)"] * 4
    assert "verdict" not in titles, "nothing of it was named before the studies"


def test_an_unknown_study_is_one_line(recorded, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["record", "--tracking-uri", recorded.uri]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == f"no study 'record' in {recorded.uri}; did you mean 'recorded'?\n"
