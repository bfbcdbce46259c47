"""Studies on a real object store, with the ledger in PostgreSQL and a served MLflow whose artifacts are there too."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import psycopg
import pytest
from mlflow.tracking import MlflowClient

import analysis
from ass_tune.tracker.store import MlflowStore
from tests.support.kills import kill_tree
from tests.support.mlflow_server import free_port, mlflow_server
from tests.support.object_store import Gate, ObjectStore, gate, variables
from tests.support.postgres import postgres, programs
from tests.support.project import PROJECT
from tests.support.studies import Studies
from tests.support.study_files import LAMBDA_SADV, curves_file, method_file
from trainables.storage import Storage

pytestmark = [
    pytest.mark.skipif(programs() is None, reason="Debian's package postgresql is not installed"),
    pytest.mark.slow,
    pytest.mark.timeout(1800),
]
AWAY = 20.0
WANTED = {"ablate": {"adaptor": ["ga", "ga+csa"]}, "tune": LAMBDA_SADV, "baseline": {"adaptor": "ga"}}
FILES = {
    "curves": curves_file(study="moved", fixed={"seconds_per_report": 0.5}, **WANTED),
    "method": method_file(
        study="moved",
        ablate={"adaptor": ["ga", "ga+csa"], "labeled_images": [5]},
        tune=None,
        train={"iterations": 24, "evaluate_every": 4},
        replicate={"seeds": [0, 1]},
    ),
}


@dataclass(frozen=True)
class Team:
    """Where a team's studies are."""

    way: Gate
    """Every request of a driver and its trials goes through it."""
    studies: str
    ledger: str
    tracking: str
    bucket: str

    def start(self, folder: Path, file: Path, *options: str) -> subprocess.Popen[str]:
        """A driver on another machine, as far as one can tell: nothing but URLs and a folder of its own."""
        folder.mkdir(exist_ok=True)
        where = ["--studies", self.studies, "--ledger", self.ledger, "--tracking-uri", self.tracking]
        command = [sys.executable, "-m", "ass_tune.run", str(file), *where, *options]
        environment = {**os.environ, **variables(self.way.port), "PYTHONPATH": str(PROJECT), "COLUMNS": "200"}
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, env=environment, cwd=folder, stdout=pipe, stderr=subprocess.STDOUT, text=True, bufsize=1
        )

    def run(self, folder: Path, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **variables(self.way.port), "PYTHONPATH": str(PROJECT)}
        command = [sys.executable, "-m", module, *arguments]
        return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture
def team(database: str, object_store: ObjectStore, bucket: str) -> Iterator[Team]:
    name = bucket.replace("-", "_")
    with psycopg.connect(database, autocommit=True) as connection:
        for kind in ("ledger", "mlflow"):
            connection.execute(f"CREATE DATABASE {name}_{kind}")  # type: ignore[arg-type]
    server, port = database.rpartition("/")[0], free_port()
    with gate(object_store.port) as way:
        with mlflow_server(port, MlflowStore(f"{server}/{name}_mlflow"), f"s3://{bucket}/mlflow"):
            yield Team(way, f"s3://{bucket}/lab", f"{server}/{name}_ledger", f"http://127.0.0.1:{port}", bucket)


def reports(driver: subprocess.Popen[str], number: int) -> str:
    """What a driver said until it had printed so many reports."""
    assert driver.stdout is not None
    said = ""
    while said.count("\nreport ") < number:
        line = driver.stdout.readline()
        assert line, said
        said += line
    return said


def figures(content: bytes) -> pd.DataFrame:
    table = pd.read_csv(io.BytesIO(content))
    return table.loc[:, [name for name in table.columns if table[name].dtype.kind in "fi" and "second" not in name]]


@pytest.mark.parametrize("kind", ["curves", "method"])
def test_a_killed_driver_goes_on_elsewhere_with_nothing_but_urls_and_storage_may_be_away(
    team: Team, studies: Studies, write_file: Callable[[str], Path], tmp_path: Path, kind: str
) -> None:
    file = write_file(FILES[kind])
    options = [] if kind == "method" else ["--no-report"]
    undisturbed = studies.run(file)
    assert undisturbed.returncode == 0, undisturbed.stdout + undisturbed.stderr

    first = team.start(tmp_path / "one", file, *options)
    try:
        said = reports(first, 3)
    finally:
        kill_tree(first.pid)
        first.wait()
    assert f"study folder: {team.studies}/moved; on this machine: lock, outbox, in " in said
    (tmp_path / "one").rename(tmp_path / "lost")

    second = team.start(tmp_path / "two", file, *options)
    assert second.stdout is not None
    try:
        said = reports(second, 1)
        team.way.close()
        time.sleep(AWAY)
        team.way.open()
        said += second.stdout.read()
        assert second.wait(900) == 0, said
    finally:
        kill_tree(second.pid)
    assert "waits for its storage" in said
    assert "\nfailed " not in said, said
    assert not (tmp_path / "two" / "studies" / "moved").exists()

    files = Storage(f"{team.studies}/moved")
    table = files.read_bytes("tables/table.csv")
    ours = (studies.folder / "moved" / "tables" / "table.csv").read_bytes()
    pd.testing.assert_frame_equal(figures(table), figures(ours))
    there, here = analysis.load(f"{team.studies}/moved"), analysis.load(studies.folder / "moved")
    in_mlflow = analysis.load("moved", team.tracking)
    assert sorted(there.frame["outcome"]) == sorted(here.frame["outcome"]) == sorted(in_mlflow.frame["outcome"])
    for metric in ("select/miou", "report/miou"):
        values = [
            sorted(study.metric(metric)[["iteration", "value"]].itertuples(index=False, name=None))
            for study in (there, here, in_mlflow)
        ]
        assert values[0] == values[1] == values[2]
    client = MlflowClient(team.tracking)
    experiment = client.get_experiment_by_name("moved")
    assert experiment is not None
    parent = client.search_runs([experiment.experiment_id], "tags.stage = 'study'")[0]
    assert "tables" in {found.path for found in client.list_artifacts(parent.info.run_id)}
    assert parent.info.artifact_uri is not None

    status = team.run(
        tmp_path, "ass_tune.run", str(file), "--status", "--studies", team.studies, "--ledger", team.ledger
    )
    assert status.returncode == 0 and "no driver runs it" in status.stdout, status.stdout + status.stderr
    if kind == "method":
        assert files.exists("report/index.html") or any(name.endswith(".html") for name in files.list("report"))
        written = team.run(
            tmp_path, "analysis.report", f"{team.studies}/moved", "--local", "--out", str(tmp_path / "r")
        )
        assert written.returncode == 0, written.stdout + written.stderr
