"""The README's commands of the analysis, on a recorded study under the names that they use."""

from __future__ import annotations

import json
import re
import runpy
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.project import PROJECT

SHELL = re.findall(r"```sh\n(.*?)```", (PROJECT / "README.md").read_text(), re.DOTALL)
LINES = [line.strip() for block in SHELL for line in block.splitlines()]
COMMANDS = [line for line in LINES if line.startswith("python -m analysis.")]
PAPERMILL = [line for line in LINES if line.startswith("papermill ")]
WRITES = {
    "analysis.report": ("report.html", "tables/table.csv"),
    "analysis.export": ("trials.parquet", "confusions.parquet"),
}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """`python -m MODULE ARGUMENTS` in this process, which has imported everything; returns what it prints."""

    def as_python_does(module: str, *arguments: str) -> str:
        monkeypatch.chdir(PROJECT)
        monkeypatch.setattr(sys, "argv", [module, *arguments])
        with pytest.raises(SystemExit) as ended:
            runpy.run_module(module, run_name="__main__")
        said = capsys.readouterr()
        assert not ended.value.code, said.out + said.err
        return said.out

    return as_python_does


REAL = "analysis/notebooks/table1_streets"


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(line, marks=pytest.mark.slow if REAL in line else ())
        for line in COMMANDS
        if "analysis.import" not in line
    ],
)
def test_a_command_works_as_written(line: str, with_report, tmp_path: Path, run: Callable[..., str]) -> None:
    _, _, module, *arguments = shlex.split(line)
    there = [with_report.name if argument in ("csa", "fcsa") else argument for argument in arguments]
    done = run(module, *there, "--tracking-uri", with_report.uri, "--out", str(tmp_path / "out"))
    if "--json" in arguments:
        assert json.loads(done)["primary"]
        return
    compared = "--compare" in arguments
    for name in ("report.html", "tables/comparison.csv") if compared else WRITES[module]:
        assert (tmp_path / "out" / name).stat().st_size > 0


@pytest.mark.slow
def test_a_study_is_taken_over_as_written(recorded, migrated: Path, tmp_path: Path, run: Callable[..., str]) -> None:
    (command,) = [line for line in COMMANDS if "analysis.import" in line]
    _, _, module, folder, option, uri = shlex.split(command)
    assert (folder, option, uri) == ("exports/csa", "--tracking-uri", "sqlite:///elsewhere.db")
    run("analysis.export", recorded.name, "--tracking-uri", recorded.uri, "--out", str(tmp_path / "x"))
    (tmp_path / "elsewhere.db").write_bytes(migrated.read_bytes())
    there = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    run(module, str(tmp_path / "x"), option, there)
    run("analysis.export", recorded.name, option, there, "--out", str(tmp_path / "again"))


def test_the_notebook_is_run_where_and_as_its_own_test_runs_it() -> None:
    """tests/analysis/test_notebooks.py"""
    assert PAPERMILL == ["papermill --cwd analysis/notebooks analysis/notebooks/01_ablation_table.ipynb table.ipynb"]
