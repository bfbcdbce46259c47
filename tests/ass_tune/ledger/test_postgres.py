"""A ledger in a real PostgreSQL, as a team shares it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import optuna
import psycopg
import pytest
from mlflow.tracking import MlflowClient
from optuna.trial import FrozenTrial

from ass_tune.ledger.ledger import open_ledger
from ass_tune.tracker.store import MlflowStore
from tests.support.cluster import Cluster
from tests.support.mlflow_server import free_port, mlflow_server
from tests.support.postgres import PASSWORD, postgres, programs
from tests.support.studies import Studies, begin_studies
from tests.support.study_files import LAMBDA_SADV, curves_file
from trainables.storage import Storage

pytestmark = pytest.mark.skipif(programs() is None, reason="Debian's package postgresql is not installed")
STUDY: dict[str, Any] = {
    "ablate": {"adaptor": ["ga", "ga+csa"]},
    "tune": LAMBDA_SADV,
    "search": {"sampler": "random", "trials_per_cell": 3},
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture
def undisturbed(tmp_path: Path, migrated: Path, cluster: Cluster) -> Studies:
    return begin_studies(tmp_path / "undisturbed", migrated, cluster)


def trials_in(url: str, study: str) -> dict[str, list[FrozenTrial]]:
    """By Optuna study, the trials that were begun."""
    storage = optuna.storages.RDBStorage(url)
    names = [name for name in optuna.get_all_study_names(storage) if name.partition("/")[0] == study]
    return {name: begun(optuna.load_study(study_name=name, storage=storage).trials) for name in names}


def begun(trials: list[FrozenTrial]) -> list[FrozenTrial]:
    return [trial for trial in trials if "key" in trial.user_attrs]


def measured(trial: FrozenTrial) -> tuple:
    """All of a trial but its times, and whether another study had it already."""
    about = {name: value for name, value in trial.user_attrs.items() if name != "reused_from"}
    return trial.state, trial.params, trial.values, trial.intermediate_values, about


@pytest.mark.slow
def test_a_study_in_postgres_that_is_killed_goes_on_and_equals_one_in_a_file(
    url: str, studies: Studies, undisturbed: Studies, write_file: Callable[[str], Path]
) -> None:
    file = write_file(curves_file(study="team", fixed={"seconds_per_report": 0.1}, **STUDY))
    assert undisturbed.run(file, "--set", "study=team").returncode == 0
    command = studies.command(file, "--address", studies.cluster.address)
    driver = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "ASS_LEDGER": url})
    assert driver.stdout is not None
    assert any(line.startswith("report") for line in driver.stdout)
    driver.kill()
    driver.wait()
    status = studies.run(file, "--status", "--json", "--ledger", url)
    assert any(cell["running"] for cell in json.loads(status.stdout)["cells"])

    done = studies.run(file, "--ledger", url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert PASSWORD not in done.stdout + done.stderr + status.stdout
    found = {name: list(map(measured, trials)) for name, trials in trials_in(url, "team").items()}
    assert found == {name: list(map(measured, begun(trials))) for name, trials in undisturbed.ledger("team").items()}
    assert sum(map(len, found.values())) == 3 + 2 * 1


def test_drivers_that_open_an_empty_database_at_once_all_get_it(url: str, tmp_path: Path) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE empty")
    together = Barrier(4)

    def opened(number: int) -> str:
        together.wait()
        study = f"study{number}"
        with open_ledger(Storage(str(tmp_path / study)), study, f"{url.rpartition('/')[0]}/empty") as storage:
            return optuna.create_study(storage=storage, study_name=study).study_name

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(opened, range(4))) == [f"study{number}" for number in range(4)]


@pytest.mark.slow
def test_two_drivers_with_one_server_of_each_kind_mix_nothing(
    url: str, studies: Studies, undisturbed: Studies, write_file: Callable[[str], Path], tmp_path: Path
) -> None:
    file = write_file(curves_file(study="a", fixed={"seconds_per_report": 0.05}, **STUDY))
    for study in "ab":
        assert undisturbed.run(file, "--set", f"study={study}", "--set", f"search.seed={ord(study)}").returncode == 0
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE mlflow")
    port = free_port()
    backend = MlflowStore(f"{url.rpartition('/')[0]}/mlflow")
    with mlflow_server(port, backend, tmp_path / "artifacts"):
        where = ["--ledger", url, "--tracking-uri", f"http://127.0.0.1:{port}"]
        drivers = [
            subprocess.Popen(
                studies.command(file, "--set", f"study={study}", "--set", f"search.seed={ord(study)}", *where),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for study in "ab"
        ]
        for driver in drivers:
            said, _ = driver.communicate(timeout=500)
            assert driver.returncode == 0 and "records wait" not in said, said
        client = MlflowClient(f"http://127.0.0.1:{port}")
        for study in "ab":
            expected = {name: list(map(measured, begun(of))) for name, of in undisturbed.ledger(study).items()}
            assert {name: list(map(measured, of)) for name, of in trials_in(url, study).items()} == expected
            experiment = client.get_experiment_by_name(study)
            assert experiment is not None
            runs = {run.data.tags.get("key"): run for run in client.search_runs([experiment.experiment_id])}
            keys = {about["key"] for trials in expected.values() for *_, about in trials}
            assert runs.keys() == {None, *keys}
            for *_, reports, about in (trial for trials in expected.values() for trial in trials):
                history = client.get_metric_history(runs[about["key"]].info.run_id, "select/miou")
                assert {point.step: point.value for point in history} == reports
