"""The views that the end of a study names, opened by the very commands it prints, in headless Chromium.

The screenshots are kept in `test-output/`.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from mlflow.entities import Experiment
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.cluster import Cluster
from tests.support.mlflow_server import free_port
from tests.support.project import PROJECT
from tests.support.studies import Studies, begin_studies
from tests.support.study_files import LR, curves_file

PICTURES = PROJECT / "test-output"
CHROMIUM = shutil.which("chromium")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
STUDY = curves_file(
    study="views",
    ablate={"adaptor": ["joint", "ga", "ga+csa"], "labeled_images": [5, 50]},
    tune={"lambda_sadv": {"type": "log_uniform", "low": 0.1, "high": 10}} | LR,
    search={"sampler": "random", "trials_per_cell": 3},
    prune=None,
    replicate={"seeds": [0, 1]},
    train={"iterations": 40, "evaluate_every": 20},
)
AXES = {
    "table-parallel": ("adaptor", "labeled_images", "report/miou"),
    "tuning-parallel": ("adaptor", "labeled_images", "lambda_sadv", "lr", "select/miou"),
}
"""Axes of parallel coordinates by view."""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    PICTURES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page of somebody who was never here."""
    with browser.new_context(viewport={"width": 1600, "height": 1000}) as visit:
        yield visit.new_page()


@contextmanager
def serving(command: str) -> Iterator[str]:
    """The address of a server started by a printed command, on a free port of loopback."""
    port = free_port()
    program, *arguments = shlex.split(command)
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "DO_NOT_TRACK": "true"}
    if program == "mlflow":
        arguments += ["--workers", "1"]  # by default four processes, for one reader
    server = subprocess.Popen(
        [str(Path(sys.executable).parent / program), *arguments, "--port", str(port)],
        env=environment,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(address)
        yield address
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _wait_for(address: str) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            urlopen(address, timeout=10).close()
            return
        except (URLError, OSError):
            assert time.monotonic() < deadline, f"{address} does not answer"
            time.sleep(0.2)


def _printed(output: str, name: str) -> str:
    return next(line.removeprefix(f"{name}: ") for line in output.splitlines() if line.startswith(f"{name}: "))


@dataclass(frozen=True)
class Finished:
    """A study that has ended."""

    studies: Studies
    output: str

    @property
    def experiment(self) -> Experiment:
        found = self.studies.client.get_experiment_by_name("views")
        assert found is not None
        return found

    def table(self) -> dict[str, float]:
        """mIoU of each row of the table, by its name in MLflow."""
        with (self.studies.folder / "views/tables/table.csv").open() as file:
            return {
                f"{row['adaptor']} · {row['labeled_images']} labels": float(row["report_miou"])
                for row in csv.DictReader(file)
            }


@pytest.fixture(scope="module")
def finished(migrated: Path, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("browsed")
    file = folder / "views.yaml"
    file.write_text(STUDY)
    studies = begin_studies(folder / "studies", migrated, cluster)
    done = studies.run(file)
    assert done.returncode == 0, done.stdout + done.stderr
    return Finished(studies, done.stdout)


@pytest.fixture(scope="module")
def mlflow_ui(finished: Finished) -> Iterator[str]:
    """The address of the page of the study's runs, served by the printed command."""
    with serving(_printed(finished.output, "MLflow")) as address:
        yield f"{address}/#/experiments/{finished.experiment.experiment_id}/runs"


def test_mlflow_shows_the_table_in_two_clicks(finished: Finished, mlflow_ui: str, page: Page) -> None:
    page.goto(mlflow_ui)
    page.get_by_role("button", name="Views").click(timeout=60_000)
    for name in ("table at 5 labels", "table at 50 labels", "table: parallel coordinates"):
        page.get_by_text(name, exact=True).wait_for()
    page.screenshot(path=PICTURES / "mlflow_views.png")
    page.get_by_text("table", exact=True).click()
    for row, miou in finished.table().items():
        page.get_by_text(f"Group: {row}", exact=True).wait_for(timeout=60_000)
        page.get_by_text(re.compile(rf"^{re.escape(f'{miou:.8f}'[:6])}")).first.wait_for()
    assert len(finished.table()) == 6
    assert page.get_by_text("tuning 0").count() == 0, "the runs of rows are not folded away"
    page.screenshot(path=PICTURES / "mlflow_table.png")


def test_the_printed_address_opens_the_table(finished: Finished, mlflow_ui: str, page: Page) -> None:
    printed = _printed(finished.output, "the table in MLflow")
    assert printed.startswith("http://127.0.0.1:5000/#/experiments/")
    page.goto(printed.replace("http://127.0.0.1:5000", mlflow_ui.partition("/#/")[0]))
    for row in finished.table():
        page.get_by_text(f"Group: {row}", exact=True).wait_for(timeout=60_000)
    assert page.get_by_text("tuning 0").count() == 0, "the runs of rows are not folded away"


def test_mlflow_draws_bars_and_curves_of_each_budget(finished: Finished, mlflow_ui: str, page: Page) -> None:
    page.goto(f"{mlflow_ui}?viewStateShareKey={_view(finished, 'table-5')}&compareRunsMode=CHART")
    bars = page.locator(".js-plotly-plot").filter(has=page.locator(".barlayer .point")).first
    bars.wait_for(timeout=60_000)
    assert bars.locator(".barlayer .point").count() == 3
    shown = set(bars.locator(".barlayer text").all_text_contents())
    assert shown == {f"{miou:.2f}" for row, miou in finished.table().items() if row.endswith(" 5 labels")}
    curves = page.locator(".js-plotly-plot").filter(has=page.locator(".scatterlayer .lines")).first
    curves.wait_for()
    page.screenshot(path=PICTURES / "mlflow_bars_at_5_labels.png")


def test_mlflow_draws_parallel_coordinates_of_factors_and_miou(finished: Finished, mlflow_ui: str, page: Page) -> None:
    for view, axes in AXES.items():
        page.goto(f"{mlflow_ui}?viewStateShareKey={_view(finished, view)}&compareRunsMode=CHART")
        for axis in axes:
            page.locator("svg text", has_text=axis).first.wait_for(timeout=60_000)
        page.screenshot(path=PICTURES / f"mlflow_{view}.png")


@pytest.mark.slow
def test_mlflow_groups_runs_by_adaptor_in_two_clicks(mlflow_ui: str, page: Page) -> None:
    page.goto(mlflow_ui)
    page.get_by_text("Group by").click(timeout=60_000)
    page.keyboard.type("adaptor")
    page.get_by_text("adaptor", exact=True).first.click()
    for adaptor in ("joint", "ga", "ga+csa"):
        page.get_by_text(f"Group: {adaptor}", exact=True).wait_for(timeout=60_000)
    page.screenshot(path=PICTURES / "mlflow_grouped_by_adaptor.png")


@pytest.mark.slow
def test_mlflow_compares_runs_by_what_differs_and_their_miou(finished: Finished, mlflow_ui: str, page: Page) -> None:
    chosen = [run for run in finished.studies.runs("views") if run.data.tags["number"] == "0"][:4]
    ids = json.dumps([run.info.run_id for run in chosen])
    address = mlflow_ui.partition("/#/")[0]
    page.goto(f'{address}/#/compare-runs?runs={ids}&experiments=["{finished.experiment.experiment_id}"]')
    page.get_by_text("Comparing 4 Runs from 1 Experiment").wait_for(timeout=60_000)
    for run in chosen:
        page.get_by_text(run.data.tags["mlflow.runName"]).first.wait_for(timeout=60_000)
    for axis in ("adaptor", "labeled_images", "select/miou"):
        page.locator("svg text", has_text=axis).first.wait_for(timeout=60_000)
    assert "report/miou" in page.inner_text("body")
    page.screenshot(path=PICTURES / "mlflow_compare_four_runs.png", full_page=True)


def test_optuna_dashboard_shows_how_each_cell_was_tuned(finished: Finished, page: Page) -> None:
    with serving(_printed(finished.output, "Optuna")) as address:
        page.goto(f"{address}/dashboard/")
        cell = page.get_by_text("views/adaptor=ga+csa,labeled_images=50/tuning")
        cell.first.wait_for(timeout=60_000)
        page.screenshot(path=PICTURES / "optuna_dashboard.png")
        cell.first.click()
        page.get_by_text("Hyperparameter Importance").first.wait_for(timeout=60_000)
        page.locator("svg text", has_text="select/miou").first.wait_for(timeout=60_000)
        page.locator("svg text", has_text="lambda_sadv").first.wait_for(timeout=60_000)
        page.screenshot(path=PICTURES / "optuna_cell.png")
        page.goto(f"{page.url.partition('?')[0]}/analytics")
        for plot in ("Slice", "Contour"):
            page.get_by_text(plot, exact=True).first.wait_for(timeout=60_000)
        page.locator(".js-plotly-plot .scatterlayer .point").first.wait_for(timeout=60_000)
        page.screenshot(path=PICTURES / "optuna_slice.png")


def _view(finished: Finished, name: str) -> str:
    """The key of a saved view."""
    (tag,) = (tag for tag in finished.experiment.tags if tag.startswith(f"mlflow.sharedViewState.{name}-"))
    return tag.removeprefix("mlflow.sharedViewState.")
