"""A wheel, installed into an environment of its own, does from another folder what a checkout does."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.support.project import PROJECT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
OF_THE_WHEEL = ("analysis", "ass_tune", "trainables", "search_spaces")
CURVES = """
study: curves
trainable: curves
domains: synthetic
profile: synthetic
baseline: {adaptor: ga}
ablate: {adaptor: [ga, ga+csa]}
tune: {lambda_sadv: {type: log_uniform, low: 0.1, high: 10}}
search: {sampler: random, trials_per_cell: 2}
replicate: {seeds: [0, 1]}
train: {iterations: 40, evaluate_every: 20}
"""


def run(*command: str | Path, cwd: Path, code: int = 0) -> str:
    environment = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MLFLOW_TRACKING_URI")
    }
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy: a build leaves files that the next one would take for sources."""
    source = tmp_path_factory.mktemp("source")
    for name in OF_THE_WHEEL:
        shutil.copytree(PROJECT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md"):
        shutil.copy(PROJECT / name, source)
    build = ("-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", "dist", ".")
    run(sys.executable, *build, cwd=source)
    (found,) = (source / "dist").glob("ass_tune-*.whl")
    return found


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the programs of an environment with the wheel and, behind it, the libraries of this one."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    install = ("-m", "pip", f"--python={folder / 'bin/python'}", "install", "--quiet", "--no-deps", "--no-index", wheel)
    run(sys.executable, *install, cwd=folder)
    (packages,) = folder.glob("lib/*/site-packages")
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "bin"


def test_the_wheel_has_all_that_its_code_reads_and_no_notebook(wheel: Path) -> None:
    names = set(ZipFile(wheel).namelist())
    sources = [path for package in OF_THE_WHEEL[:3] for path in (PROJECT / package).rglob("*.py")]
    assert {str(path.relative_to(PROJECT)) for path in sources} <= names
    assert {f"{package}/py.typed" for package in OF_THE_WHEEL[:3]} <= names
    assert {"ass_tune/spec/search_space.schema.json", "analysis/report/page.html.j2"} <= names
    shipped = (PROJECT / "search_spaces").rglob("*.yaml")
    assert {f"ass_tune/{path.relative_to(PROJECT)}" for path in shipped} <= names
    assert not [name for name in names if name.endswith((".ipynb", ".parquet")) or name.startswith("tests")]


def test_it_is_the_wheel_that_runs(programs: Path, tmp_path: Path) -> None:
    for package in OF_THE_WHEEL[:3]:
        there = run(programs / "python", "-c", f"import {package}; print({package}.__file__)", cwd=tmp_path)
        assert Path(there).is_relative_to(programs.parent)
    assert re.fullmatch(r"ass-tune \d+\.\d+\.\d+\n", run(programs / "ass-tune", "--version", cwd=tmp_path))


@pytest.mark.parametrize("name", ["csa", "fcsa", "paper/table2_csa"])
def test_a_shipped_file_is_planned_by_its_name(name: str, programs: Path, tmp_path: Path) -> None:
    said = run(programs / "ass-tune", "plan", name, "--step-time", "0.1", cwd=tmp_path)
    assert f"plan of study {Path(name).name}" in said


def test_a_wrong_name_is_answered_with_the_nearest_one(programs: Path, tmp_path: Path) -> None:
    assert "did you mean 'csa'?" in run(programs / "ass-tune", "plan", "ccsa", cwd=tmp_path, code=2)


def test_a_study_runs_where_packages_of_the_user_have_our_names(programs: Path, tmp_path: Path) -> None:
    """They are first on the path of Ray's workers, unless the driver takes care; and in a repository of the user's."""
    (tmp_path / "curves.yaml").write_text(CURVES)
    for package in OF_THE_WHEEL[:3]:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("raise RuntimeError('the package of the user')\n")
    run(programs / "ass-tune", "run", "curves", cwd=tmp_path)
    assert (tmp_path / "studies/curves/tables/table.csv").stat().st_size > 0
    assert (tmp_path / "studies/curves/report/report.html").stat().st_size > 0
    assert "6/6 trials ended" in run(programs / "ass-tune", "status", "curves", cwd=tmp_path)
