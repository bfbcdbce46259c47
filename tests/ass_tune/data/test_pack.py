"""`python -m ass_tune.data pack`: what it says before, what it makes, and how it goes on."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.ass_tune.data.conftest import SMALL
from tests.support.project import PROJECT
from trainables.domains.pairs import open_pair
from trainables.domains.recipe import SETS
from trainables.mistakes import ExitCode

Command = Callable[..., ExitCode]


def _there(output: str) -> dict[str, tuple[int, int]]:
    """Images and images already packed of each set, as the table says."""
    return {name: (int(all_), int(there)) for name, all_, there in re.findall(r"│ (\w+) +│ +(\d+) │ +(\d+) │", output)}


@pytest.mark.usefixtures("small")
def test_a_pair_is_packed_for_studies_to_find(
    root: Path, tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("pack", SMALL.name, "--data-root", root) == ExitCode.FINISHED
    printed = capsys.readouterr().out
    assert _there(printed) == {
        "source": (12, 0),
        "target_train": (6, 0),
        "target_select": (2, 0),
        "target_report": (3, 0),
    }
    assert re.search(rf"[\d.]+ kB to write in {tmp_path / 'cache'}\n", printed)
    assert printed.endswith(f"small-cityscapes: all 23 images are packed in {tmp_path / 'cache'}\n")
    written = {file: file.stat().st_mtime_ns for file in (tmp_path / "cache").rglob("*.arrow")}
    pair = open_pair(SMALL.name, tmp_path / "cache", root)
    assert [len(getattr(pair, name)) for name in SETS] == [12, 6, 2, 3]
    assert written == {file: file.stat().st_mtime_ns for file in (tmp_path / "cache").rglob("*.arrow")}


@pytest.mark.usefixtures("small")
def test_the_same_command_goes_on_with_what_is_not_there(
    root: Path, tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    command("pack", SMALL.name, "--data-root", root)
    (absent,) = (tmp_path / "cache").glob("*target_select*")
    shutil.rmtree(absent)
    capsys.readouterr()
    assert command("pack", SMALL.name, "--data-root", root) == ExitCode.FINISHED
    assert [there for _, there in _there(capsys.readouterr().out).values()] == [12, 6, 0, 3]
    command("pack", SMALL.name, "--data-root", root)
    assert f"nothing to write in {tmp_path / 'cache'}" in capsys.readouterr().out


@pytest.mark.usefixtures("small")
def test_it_does_not_begin_where_the_disk_is_too_small(
    root: Path, tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=20_000))
    assert command("pack", SMALL.name, "--data-root", root) == ExitCode.USER_MISTAKE
    assert "20.0 kB are free" in capsys.readouterr().err
    assert not list((tmp_path / "cache").rglob("*.arrow"))


@pytest.mark.usefixtures("small")
def test_the_unusable_images_of_all_sets_are_told_at_once(
    root: Path, tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "gta5" / "labels" / "00005.png").write_bytes(b"")
    labels = root / "cityscapes" / "gtFine" / "val" / "munster"
    (labels / "munster_000001_000019_gtFine_labelIds.png").write_bytes(b"")
    assert command("pack", SMALL.name, "--data-root", root) == ExitCode.USER_MISTAKE
    error = capsys.readouterr().err
    assert "source: 1 of 12 images cannot be used:" in error
    assert "target_report: 1 of 3 images cannot be used:" in error
    assert len(list((tmp_path / "cache").glob("*target_train*/*.arrow"))) == 1


@pytest.mark.usefixtures("small")
def test_a_damaged_file_is_made_again_with_a_notice(
    root: Path, tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    command("pack", SMALL.name, "--data-root", root)
    (file,) = (tmp_path / "cache").glob("*source*/*.arrow")
    content = file.read_bytes()
    file.write_bytes(content[:-100])
    capsys.readouterr()
    assert command("pack", SMALL.name, "--data-root", root) == ExitCode.FINISHED
    assert f"{file}: truncated or not a packed file" in capsys.readouterr().out
    assert file.read_bytes() == content


def test_ctrl_c_says_that_the_same_command_goes_on(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ass_tune.data", "pack", "streets", "--workers", "1"]
    environment = {**os.environ, "ASS_CACHE": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    while "to write in" not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    error = process.communicate(timeout=60)[1]
    assert process.returncode == ExitCode.INTERRUPTED
    assert error.endswith("Interrupted: what is packed is kept, and the same command continues.\n")
    assert "Traceback" not in error
