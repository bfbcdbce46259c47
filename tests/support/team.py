"""A team's studies: files on an object store, ledger and MLflow in PostgreSQL, and drivers that know URLs alone."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import psycopg

import analysis
from analysis.records import KEY_TAG
from analysis.study import Study
from ass_tune.tracker.store import MlflowStore
from tests.support.mlflow_server import free_port, mlflow_server
from tests.support.object_store import Gate, ObjectStore, gate, variables
from tests.support.project import PROJECT
from tests.support.studies import Studies
from trainables.storage import Storage


@dataclass(frozen=True)
class Team:
    """Where a team's studies are."""

    way: Gate
    """Every request of a driver and its trials to the object store goes through it."""
    studies: str
    ledger: str
    tracking: str
    bucket: str

    @property
    def variables(self) -> dict[str, str]:
        """What a process of the team, or a node, has in its environment."""
        return variables(self.way.port)

    def files(self, study: str) -> Storage:
        """The folder of a study; the caller's environment says where the object store is."""
        return Storage(f"{self.studies}/{study}")

    def start(
        self, folder: Path, file: Path, *options: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """A driver on another machine, as far as one can tell: nothing but URLs and a folder of its own."""
        folder.mkdir(exist_ok=True)
        where = ["--studies", self.studies, "--ledger", self.ledger, "--tracking-uri", self.tracking]
        command = [sys.executable, "-m", "ass_tune.run", str(file), *where, *options]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command,
            env={**self._environment, "COLUMNS": "200", **(environment or {})},
            cwd=folder,
            stdout=pipe,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
        )

    def run(self, folder: Path, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of the project, to its end."""
        command = [sys.executable, "-m", module, *arguments]
        return subprocess.run(command, env=self._environment, cwd=folder, capture_output=True, text=True, check=False)

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, **self.variables, "PYTHONPATH": str(PROJECT)}


@contextmanager
def begin_team(server: str, store: ObjectStore, bucket: str) -> Iterator[Team]:
    """A team without a study yet; its MLflow ends with the block.

    Args:
        server: URL of a database of a PostgreSQL server, which gets two more.
        store: of the studies.
        bucket: in it, of this team alone.
    """
    name, server_url = bucket.replace("-", "_"), server.rpartition("/")[0]
    with psycopg.connect(server, autocommit=True) as connection:
        for kind in ("ledger", "mlflow"):
            connection.execute(f"CREATE DATABASE {name}_{kind}")  # type: ignore[arg-type]
    port = free_port()
    with gate(store.port) as way:
        with mlflow_server(port, MlflowStore(f"{server_url}/{name}_mlflow"), f"s3://{bucket}/mlflow"):
            yield Team(way, f"s3://{bucket}/lab", f"{server_url}/{name}_ledger", f"http://127.0.0.1:{port}", bucket)


def assert_same_results(team: Team, undisturbed: Studies, study: str) -> None:
    """A team's study, read from its folder and from MLflow, measured what another one on this disk did."""
    table = team.files(study).read_bytes("tables/table.csv")
    ours = (undisturbed.folder / study / "tables" / "table.csv").read_bytes()
    pd.testing.assert_frame_equal(_figures(table), _figures(ours))
    here = analysis.load(undisturbed.folder / study)
    for there in (analysis.load(f"{team.studies}/{study}"), analysis.load(study, team.tracking)):
        assert sorted(there.frame["outcome"]) == sorted(here.frame["outcome"])
        for metric in ("select/miou", "report/miou"):
            assert curves(there, metric) == curves(here, metric), metric


def curves(study: Study, metric: str) -> dict[str, list[tuple[int, float]]]:
    """Every value of a metric with its iteration, in order, by the key of the trial's run."""
    tags = zip(study.trials["run"].to_pylist(), study.trials["tags"].to_pylist(), strict=True)
    keys = {run: dict(found)[KEY_TAG] for run, found in tags}
    found: dict[str, list[tuple[int, float]]] = {}
    for run, iteration, value in study.metric(metric).itertuples(index=False, name=None):
        found.setdefault(keys[run], []).append((iteration, value))
    return found


def _figures(content: bytes) -> pd.DataFrame:
    table = pd.read_csv(io.BytesIO(content))
    return table.loc[:, [name for name in table.columns if table[name].dtype.kind in "fi" and "second" not in name]]
