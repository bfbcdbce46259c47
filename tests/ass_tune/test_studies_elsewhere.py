"""Studies on a real object store, with the ledger in PostgreSQL and a served MLflow whose artifacts are there too."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from tests.support.kills import kill_tree
from tests.support.object_store import ObjectStore
from tests.support.postgres import postgres, programs
from tests.support.studies import Studies
from tests.support.study_files import LAMBDA_SADV, curves_file, method_file
from tests.support.team import Team, assert_same_results, begin_team

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


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture
def team(database: str, object_store: ObjectStore, bucket: str) -> Iterator[Team]:
    with begin_team(database, object_store, bucket) as begun:
        yield begun


def reports(driver: subprocess.Popen[str], number: int) -> str:
    """What a driver said until it had printed so many reports."""
    assert driver.stdout is not None
    said = ""
    while said.count("\nreport ") < number:
        line = driver.stdout.readline()
        assert line, said
        said += line
    return said


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

    assert_same_results(team, studies, "moved")
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
        files = team.files("moved")
        assert files.exists("report/index.html") or any(name.endswith(".html") for name in files.list("report"))
        written = team.run(
            tmp_path, "analysis.report", f"{team.studies}/moved", "--local", "--out", str(tmp_path / "r")
        )
        assert written.returncode == 0, written.stdout + written.stderr
