"""A user's own package that hides one of ours: one clear message, exit code 2."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.project import PROJECT

OF_ASS_TUNE = ("ass_tune.run", "ass_tune.sync", "ass_tune.data", "ass_tune.command")
OF_ANALYSIS = ("analysis.report", "analysis.export", "analysis.import")


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def hide(folder: Path, package: str, form: str) -> Path:
    """Something of that name which must never be imported; returns its place."""
    path = folder / (f"{package}.py" if form == "module" else f"{package}/__init__.py")
    path.parent.mkdir(exist_ok=True)
    path.write_text("raise RuntimeError('the package of the user')\n")
    return path if form == "module" else path.parent


@pytest.mark.parametrize("form", ["package", "module"])
@pytest.mark.parametrize("package", ["analysis", "trainables"])
@pytest.mark.parametrize("module", OF_ASS_TUNE)
def test_a_command_says_which_package_hides_ours(module: str, package: str, form: str, tmp_path: Path) -> None:
    there = hide(tmp_path, package, form)
    done = python(tmp_path, "-m", module, "csa")
    assert done.returncode == 2
    assert done.stderr == (
        f"{there} hides the package '{package}' of ass_tune, because Python looks in {tmp_path} first. "
        "Run the command from another folder, or as `ass-tune ...`, or with `python -P -m ...`.\n"
    )


@pytest.mark.parametrize("module", OF_ANALYSIS)
def test_a_command_of_the_analysis_says_so_too(module: str, tmp_path: Path) -> None:
    there = hide(tmp_path, "trainables", "package")
    done = python(tmp_path, "-m", module, "csa")
    assert done.returncode == 2
    assert done.stderr.startswith(f"{there} hides the package 'trainables'")


def test_the_command_line_that_is_recommended_works(tmp_path: Path) -> None:
    for package in ("analysis", "trainables"):
        hide(tmp_path, package, "package")
    done = python(tmp_path, "-P", "-m", "ass_tune.run", "csa", "--plan", "--step-time", "1")
    assert (done.returncode, done.stderr) == (0, "")


def test_in_python_it_is_an_error_of_the_import(tmp_path: Path) -> None:
    hide(tmp_path, "analysis", "package")
    done = python(tmp_path, "-c", "import ass_tune")
    assert done.returncode == 1
    assert "ImportError: " in done.stderr and "hides the package 'analysis'" in done.stderr


def test_a_folder_without_modules_hides_nothing(tmp_path: Path) -> None:
    (tmp_path / "analysis").mkdir()
    assert python(tmp_path, "-m", "ass_tune.run", "csa", "--plan", "--step-time", "1").returncode == 0


def test_both_packages_check_with_the_same_lines() -> None:
    sources = [(PROJECT / package / "__init__.py").read_text() for package in ("ass_tune", "analysis")]
    first, second = ([ast.unparse(node) for node in ast.parse(source).body] for source in sources)
    (check,) = [text for text in first if text.startswith("def _check_not_hidden")]
    assert check in second
