from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

import ass_tune
from ass_tune.tracker.environment import environment, git_revision, source_tags


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    (tmp_path / "code.py").write_text("x = 1\n")
    for command in (["init", "-q"], ["add", "code.py"], [*identity, "commit", "-q", "--no-verify", "-m", "start"]):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True)
    return tmp_path


def test_revision_says_whether_tracked_files_differ(repository: Path):
    clean = git_revision(repository)
    (repository / "code.py").write_text("x = 2\n")
    dirty = git_revision(repository)
    assert clean is not None and dirty is not None
    assert len(clean["revision"]) == 40
    assert clean["revision"] == dirty["revision"]
    assert (clean["dirty"], dirty["dirty"]) == (False, True)


def test_no_revision_outside_a_repository(tmp_path: Path):
    assert git_revision(tmp_path) is None
    assert "mlflow.source.git.commit" not in source_tags(tmp_path)


def test_somebody_elses_repository_around_an_environment_is_not_ours(repository: Path):
    packages = repository / ".venv/lib/site-packages"
    packages.mkdir(parents=True)
    assert git_revision(packages) is None
    content = environment(packages)
    assert content["git"] is None
    assert content["ass_tune"] == source_tags(packages)["ass_tune.version"] == ass_tune.__version__


def test_environment_is_json_and_tells_nothing_of_other_variables(repository: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "s3cret")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    content = environment(repository, {"CPU": 2.0})
    text = json.dumps(content)
    assert "s3cret" not in text
    assert content["threads"]["OMP_NUM_THREADS"] == "1"
    assert content["resources"] == {"CPU": 2.0}
    assert {"torch", "ray", "optuna", "mlflow"} <= set(content["libraries"])
