"""The views that the end of a study names, opened by the very commands it prints, in headless Chromium.

The screenshots are kept in `test-output/`.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from playwright.sync_api import Page, sync_playwright

PROJECT = Path(__file__).parent.parent
PICTURES = PROJECT / "test-output"
CHROMIUM = shutil.which("chromium")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
STUDY = """
study: views
trainable: curves
domains: synthetic
profile: synthetic
ablate: {adaptor: [joint, ga, ga+csa], labeled_images: [5, 50]}
tune: {lr: {type: log_uniform, low: 0.01, high: 0.1}}
search: {sampler: random, trials_per_cell: 2}
train: {iterations: 40, evaluate_every: 20}
"""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


@pytest.fixture
def page() -> Iterator[Page]:
    PICTURES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser.new_page(viewport={"width": 1600, "height": 1000})
        browser.close()


@contextmanager
def serving(command: str) -> Iterator[str]:
    """The address of a server started by a printed command, on a free port of loopback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program, *arguments = shlex.split(command)
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "DO_NOT_TRACK": "true"}
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


def test_mlflow_groups_runs_by_adaptor_and_compares_four_and_optuna_dashboard_lists_the_cells(
    studies, write_file, page
):
    done = studies.run(write_file(STUDY))
    assert done.returncode == 0, done.stdout + done.stderr
    experiment = studies.client.get_experiment_by_name("views")

    with serving(_printed(done.stdout, "MLflow")) as address:
        page.goto(f"{address}/#/experiments/{experiment.experiment_id}/runs")
        page.get_by_text("Group by").click(timeout=60_000)
        page.keyboard.type("adaptor")
        page.get_by_text("adaptor", exact=True).first.click()
        for adaptor in ("joint", "ga", "ga+csa"):
            page.get_by_text(f"Group: {adaptor}", exact=True).wait_for(timeout=60_000)
        page.screenshot(path=PICTURES / "mlflow_grouped_by_adaptor.png")

        chosen = [run for run in studies.runs("views") if run.data.tags["number"] == "0"][:4]
        ids = json.dumps([run.info.run_id for run in chosen])
        page.goto(f'{address}/#/compare-runs?runs={ids}&experiments=["{experiment.experiment_id}"]')
        page.get_by_text("Comparing 4 Runs from 1 Experiment").wait_for(timeout=60_000)
        for run in chosen:
            page.get_by_text(run.info.run_name).first.wait_for(timeout=60_000)
        shown = page.inner_text("body")
        assert all(name in shown for name in ("report/miou", "select/miou", "labeled_images", "adaptor"))
        page.screenshot(path=PICTURES / "mlflow_compare_four_runs.png", full_page=True)

    with serving(_printed(done.stdout, "Optuna")) as address:
        page.goto(f"{address}/dashboard/")
        page.get_by_text("views/adaptor=ga+csa,labeled_images=50/tuning").first.wait_for(timeout=60_000)
        page.screenshot(path=PICTURES / "optuna_dashboard.png")
