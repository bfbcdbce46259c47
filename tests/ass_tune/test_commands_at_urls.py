"""What other machines do with a study at a URL: deliver its records, plan another one with it, export it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

import analysis
from analysis.export.__main__ import main as export
from ass_tune.run import main as run
from ass_tune.sync import main as sync
from tests.support.mlflow_server import free_port
from tests.support.object_store import ObjectStore
from tests.support.project import PROJECT
from tests.support.study_files import curves_file

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
CELLS = {"ablate": {"adaptor": ["ga", "ga+csa"]}, "baseline": {"adaptor": "ga"}, "replicate": {"seeds": [0, 1, 2]}}
SEARCH = {"sampler": "random", "trials_per_cell": 4}


@dataclass(frozen=True)
class Left:
    """A study whose driver is gone."""

    studies: str
    said: str
    """By its driver."""

    @property
    def study(self) -> str:
        return f"{self.studies}/there"


@pytest.fixture(scope="module")
def left(object_store: ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> Left:
    """A study that a machine ran which had no MLflow to deliver it to; of that machine nothing is left."""
    place, bucket = tmp_path_factory.mktemp("gone"), object_store.bucket()
    file = place / "there.yaml"
    file.write_text(curves_file(**CELLS, study="there", search=SEARCH))
    environment = {**os.environ, **object_store.variables, "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-m", "ass_tune.run", str(file), "--studies", f"s3://{bucket}/lab", "--no-report"]
    command += ["--tracking-uri", f"http://127.0.0.1:{free_port()}"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=place, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (place / "studies").rename(place / "lost")
    return Left(f"s3://{bucket}/lab", done.stdout)


@pytest.fixture(autouse=True)
def another_machine(object_store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As far as a command can tell: an empty folder, and the variables that say where the object store is."""
    for name, value in object_store.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)


def values(study: analysis.Study, metric: str) -> list[tuple[int, float]]:
    return sorted(study.metric(metric)[["iteration", "value"]].itertuples(index=False, name=None))


def test_sync_delivers_from_another_machine_all_that_waits_and_once_more_nothing(
    left: Left, migrated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "records wait for MLflow" in left.said
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    (tmp_path / "mlflow.db").write_bytes(migrated.read_bytes())
    arguments = ["there", "--studies", left.studies, "--tracking-uri", uri]
    assert sync(arguments) == 0
    (told,) = capsys.readouterr().out.splitlines()
    assert told.startswith("study there: ") and told.endswith(f" records delivered to {uri}")
    assert not told.startswith("study there: 0 ")
    in_mlflow, there = analysis.load("there", uri), analysis.load(left.study)
    assert len(there.frame) == 2 * (4 + 3)
    assert sorted(in_mlflow.frame["outcome"]) == sorted(there.frame["outcome"]) == ["finished"] * 14
    for metric in ("select/miou", "report/miou", "loss/total"):
        assert values(in_mlflow, metric) == values(there, metric) != []
    assert sync(arguments) == 0
    assert capsys.readouterr().out == f"study there: 0 records delivered to {uri}\n"
    assert len(analysis.load("there", uri).frame) == 14


def test_the_plan_knows_the_gain_and_the_savings_from_earlier_studies_at_the_url(
    left: Left, write_file: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_file(curves_file(**CELLS, study="planned", search={**SEARCH, "screen": 1, "keep": 1}))
    assert run([str(file), "--plan", "--json", "--step-time", "0.1", "--studies", left.studies]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["power"]["studies"], plan["savings"]["studies"]) == (["there"], ["there"])
    assert plan["power"]["sd"] > 0
    assert plan["savings"]["saved"] == 3 * 80 / (4 * 100)
    assert plan["savings"]["cells"] == 2
    assert run([str(file), "--plan", "--json", "--step-time", "0.1", "--studies", f"{left.studies}-of-others"]) == 0
    alone = json.loads(capsys.readouterr().out)
    assert (alone["power"]["sd"], alone["savings"]) == (None, None), "no study is there yet"


def test_an_export_from_a_url_is_the_study(left: Left, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export([left.study, "--out", str(tmp_path / "exported")]) == 0
    assert "read back and found the same" in capsys.readouterr().out
    exported, there = analysis.load(tmp_path / "exported"), analysis.load(left.study)
    pd.testing.assert_frame_equal(exported.frame, there.frame)
    pd.testing.assert_frame_equal(exported.metric("select/miou"), there.metric("select/miou"))


@pytest.mark.parametrize("command", ["sync", "plan", "export"])
def test_a_url_that_cannot_be_used_is_one_clear_error(
    left: Left,
    command: str,
    write_file: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = write_file(curves_file(**CELLS, study="planned"))

    def said(studies: str) -> str:
        given = {
            "sync": lambda: sync(["there", "--studies", studies]),
            "plan": lambda: run([str(file), "--plan", "--step-time", "0.1", "--studies", studies]),
            "export": lambda: export([f"{studies}/there"]),
        }
        assert given[command]() == 2
        return capsys.readouterr().err

    bucket = left.studies.split("/")[2]
    assert f"s3://{bucket}-2/lab" in (missing := said(f"s3://{bucket}-2/lab"))
    assert missing.count("\n") == 1
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    assert left.studies in (away := said(left.studies))
    assert away.count("\n") == 1


def test_a_study_that_is_not_at_the_url_is_named_with_what_is_there(
    left: Left, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sync(["their", "--studies", left.studies]) == 2
    assert capsys.readouterr().err == f"no study 'their' in {left.studies}; did you mean 'there'?\n"
    assert export([f"{left.studies}/their"]) == 2
    assert f"{left.studies}/their: holds no records of a study" in capsys.readouterr().err
