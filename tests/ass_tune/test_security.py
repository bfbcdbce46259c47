"""What a file, a name or a URL says leads to no code, to no place outside, and no secret out of the process."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from mlflow.tracking import MlflowClient

from ass_tune.ledger.ledger import open_to_read
from ass_tune.spec import SpecErrors, load
from ass_tune.tracker.store import MlflowStore, mlflow_store
from ass_tune.tracker.tracker import Tracker
from ass_tune.trial import End, Report, Trial
from tests.support.project import PROJECT
from tests.support.studies import Studies
from tests.support.study_files import curves_file
from trainables.mistakes import UserMistake
from trainables.storage import Storage
from trainables.words import Cell, Outcome, Stage

STUDY = curves_file(
    study="tiny",
    ablate={"adaptor": ["ga", "joint"]},
    tune=None,
    search=None,
    prune=None,
    replicate=None,
    train={"iterations": 40, "evaluate_every": 20},
)
ODD_FILE = "tiny #%41?é.yaml"
SECRET = b"s3cret"
"""Part of every password below."""
TRACKING = "http://ann:url-s3cret%2Fx@127.0.0.1:9"
"""Nobody listens there."""
SECRETS = {
    "MLFLOW_TRACKING_URI": "http://ann:uri-s3cret@127.0.0.1:9",
    "MLFLOW_TRACKING_USERNAME": "ann",
    "MLFLOW_TRACKING_PASSWORD": "password-s3cret",
    "MLFLOW_TRACKING_TOKEN": "token-s3cret",
    "AWS_ACCESS_KEY_ID": "id-s3cret",
    "AWS_SECRET_ACCESS_KEY": "key-s3cret",
    "AWS_SESSION_TOKEN": "session-s3cret",
}


@dataclass(frozen=True)
class World:
    """What a command sees of the disk: a home, a folder to work in and the studies, and one for temporary files."""

    root: Path
    temporary: Path
    plan: subprocess.CompletedProcess[str]
    done: subprocess.CompletedProcess[str]
    before: dict[str, tuple[int, int]]

    def written(self) -> set[str]:
        """Files that are new or changed since the study began, without those of the study itself."""
        now = snapshot(self.root)
        return {name for name in now if now[name] != self.before.get(name) and not name.startswith("studies/tiny/")}


def snapshot(root: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every file."""
    files = (path for path in root.rglob("*") if not path.is_dir())
    return {str(path.relative_to(root)): (path.lstat().st_size, path.lstat().st_mtime_ns) for path in files}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A tiny study that was planned and run, with secrets wherever people put them."""
    root = tmp_path_factory.mktemp("world")
    for name in ("home", "work", "studies"):
        (root / name).mkdir()
    (root / "work" / ODD_FILE).write_text(STUDY)
    environment = {name: os.environ[name] for name in ("PATH", "ASS_CACHE")} | SECRETS
    environment |= {"HOME": str(root / "home"), "PYTHONPATH": str(PROJECT)}
    before = snapshot(root)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ass_tune.run", ODD_FILE, "--studies", "../studies", *arguments]
        return subprocess.run(command, cwd=root / "work", env=environment, capture_output=True, text=True, check=False)

    # where Ray has its sockets, whose paths must be short
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="w-") as temporary:
        environment["TMPDIR"] = temporary
        yield World(root, Path(temporary), run("--plan", "--json"), run("--tracking-uri", TRACKING), before)


def test_a_study_prints_and_keeps_no_secret(world: World) -> None:
    assert (world.plan.returncode, world.done.returncode) == (0, 0), world.plan.stderr + world.done.stderr
    assert "records wait for MLflow" in world.done.stdout
    assert "http://***@127.0.0.1:9" in world.done.stdout
    for text in (world.plan.stdout, world.plan.stderr, world.done.stdout, world.done.stderr):
        assert SECRET not in text.encode()
    kept = [path for path in world.root.rglob("*") if path.is_file()]
    assert {"outbox.jsonl", "ledger.journal", "table.md", "plan.json", "environment.json"} <= {
        path.name for path in kept
    }
    assert [path for path in kept if SECRET in path.read_bytes()] == []


def test_a_study_leaves_no_secret_in_the_logs_of_ray(world: World) -> None:
    logs = [path for path in (world.temporary / "ray").rglob("*") if path.is_file()]
    assert "runtime_env_agent.log" in {path.name for path in logs}
    assert [path for path in logs if SECRET in path.read_bytes()] == []


def test_a_study_writes_into_its_folder_and_nowhere_else(world: World) -> None:
    # Ray's key to its own processes, and matplotlib's list of fonts in the user's cache
    others = {name for name in world.written() if not name.startswith(("home/.ray/", "home/.cache/matplotlib/"))}
    assert others == set()
    assert {path.name for path in world.temporary.iterdir()} == {"ray"}
    assert (world.root / "work" / ODD_FILE).read_text() == STUDY


def test_files_of_a_study_have_names_that_everything_takes(world: World) -> None:
    names = [path.name for path in (world.root / "studies").rglob("*")]
    assert "written_tiny___41__.yaml" in names
    assert [name for name in names if not re.fullmatch(r"[A-Za-z0-9._-]{1,100}", name)] == []


@pytest.mark.parametrize(
    "name",
    [
        "..",
        ".",
        "../x",
        "a/b",
        "/tmp/x",
        "a\\b",
        ".hidden",
        "_replaced",
        "-x",
        "x" * 101,
        "a b",
        "a:b",
        "é",
        "a%2fb",
        "~",
    ],
)
@pytest.mark.parametrize("how", ["file", "override"])
def test_a_study_has_a_name_that_stays_in_its_folder(name: str, how: str, tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(STUDY.replace("tiny", f"'{name}'") if how == "file" else STUDY)
    with pytest.raises(SpecErrors) as raised:
        load(file, () if how == "file" else (f"study='{name}'",))
    [error] = raised.value.errors
    allowed = ("letters, digits, dots, _ and -, a letter or digit first", "at most 100 characters")
    assert str(error).startswith((f"{file}:1: study: found '", "--set study: found '"))
    assert str(error).endswith(allowed)


def test_a_study_whose_folder_is_a_link_is_refused(studies: Studies, write_file: Callable[[str], Path]) -> None:
    elsewhere = studies.folder.parent / "elsewhere"
    elsewhere.mkdir()
    (studies.folder / "tiny").symlink_to(elsewhere)
    for command in ((), ("--status",), ("--fresh",)):
        done = studies.run(write_file(STUDY), *command)
        assert (done.returncode, "tiny: found a link to" in done.stderr) == (2, True)
    assert list(elsewhere.iterdir()) == []


ODD = "../x [/b] $\\frac{a$ | # %2e? 'a' \"b\" `c` ; é 🚗 " + "w" * 300


def test_a_level_with_odd_characters_is_no_file_and_breaks_no_name_in_mlflow(
    migrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    studies = tmp_path / "st #é&+"
    folder = Storage(str(studies / "odd"))
    folder.write_bytes("results/abc/panel.png", b"image")
    (studies / "mlflow.db").write_bytes(migrated.read_bytes())
    store: MlflowStore = mlflow_store(studies)
    tracker = Tracker("odd", folder.local_path(), store, files=folder)
    trial = Trial("f" * 16, Cell((("backbone_weights", ODD),)), Stage.TUNING, 0, 0, {}, {"backbone_weights": ODD})
    tracker.start({"domains": ODD}, {"profile": ODD})
    tracker.trial_started(trial)
    tracker.trial_reported(trial, Report(10, {"select/miou": 1.0, f"select/iou/{ODD}": 2.0}, time.time()))
    end = End(Outcome.FINISHED, 10, time.time(), {"report/miou": 3.0}, ("results/abc/panel.png",))
    tracker.trial_ended(trial, end)
    tracker.end()
    assert tracker.close(60) == 0
    assert not folder.exists("outbox.rejected.jsonl")

    client = MlflowClient(store.uri)
    experiment = client.get_experiment_by_name("odd")
    assert experiment is not None
    [run] = client.search_runs([experiment.experiment_id], "tags.stage = 'tuning'")
    assert run.data.params["backbone_weights"] == run.data.tags["backbone_weights"] == ODD
    assert run.data.metrics["report/miou"] == 3.0
    assert [info.path for info in client.list_artifacts(run.info.run_id)] == ["panel.png"]
    assert {path.name for path in tmp_path.iterdir()} == {studies.name}
    assert all(re.fullmatch(r"[\w.-]+", path.name, re.ASCII) for path in studies.rglob("*"))


LEDGERS = (
    *("postgresql://ann:s3cret@127.0.0.1:9/x", "mysql+pymysql://ann:s3cret@127.0.0.1:9/x", "ann:s3cret@127.0.0.1/x"),
    *("nonsense://ann:s3cret@host/x", "postgresql://ann:s3cret@host:port/x", "postgresql://ann:s3cret/x@host:9/x"),
    *("postgresql:/ann:s3cret@host/x", "sqlite:////nowhere/x.db?password=s3cret", "sqlite:///\0?password=s3cret"),
    *("mssql://?odbc_connect=UID%3Dann%3BPWD%3Ds3cret", "postgresql://host/x?user=ann&password=s3cret"),
)


@pytest.mark.parametrize("url", LEDGERS)
def test_a_ledger_that_is_not_there_is_told_without_its_password(url: str, tmp_path: Path) -> None:
    with pytest.raises(UserMistake) as raised:
        open_to_read(tmp_path, url)
    assert "cannot be opened" in str(raised.value)
    assert SECRET.decode() not in str(raised.value)
    assert raised.value.__suppress_context__


def test_the_command_tells_of_a_ledger_without_its_password(
    studies: Studies, write_file: Callable[[str], Path]
) -> None:
    done = studies.run(write_file(STUDY), "--status", "--ledger", LEDGERS[0])
    assert (done.returncode, done.stdout) == (2, "")
    assert "postgresql://***@127.0.0.1:9/x" in done.stderr
    assert SECRET.decode() not in done.stderr


@pytest.mark.parametrize("tag", sorted({str(tag) for tag in yaml.UnsafeLoader.yaml_constructors if tag}))
def test_no_tag_of_yaml_is_constructed(tag: str, tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(f"{STUDY}protocol: !<{tag}> split\n")
    with pytest.raises(SpecErrors) as raised:
        load(file)
    [error] = raised.value.errors
    assert re.fullmatch(r"found the tag \S+; allowed: no tags", error.message)


@pytest.mark.parametrize("tag", sorted(yaml.UnsafeLoader.yaml_multi_constructors))
def test_no_python_object_of_yaml_is_constructed(tag: str, tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(f"{STUDY}protocol: !<{tag}os.getcwd> []\n")
    with pytest.raises(SpecErrors, match=r"found the tag .*; allowed: no tags"):
        load(file)
