"""Every command of the README does what it says; new ones must be given a check here."""

from __future__ import annotations

import itertools
import json
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pandas as pd
import pytest
import yaml

from analysis.records import STUDY_KEY, RunStarted, encode
from ass_tune.command import main as ass_tune
from ass_tune.data.command import main as data
from ass_tune.spec import load
from ass_tune.sync import main as sync
from ass_tune.tracker.outbox import Outbox
from tests.support.project import PROJECT

README = (PROJECT / "README.md").read_text()
PAPER_SCALE = (PROJECT / "docs/paper_scale.md").read_text()
SHELL = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
COMMANDS = [line.split("  #")[0].strip() for block in SHELL for line in block.splitlines() if line.strip()]
FEW = [
    *("--set", "train.iterations=2", "--set", "train.evaluate_every=1", "--set", "prune=none"),
    *("--set", "ablate.labeled_images=[20]", "--set", "search.trials_per_cell=1", "--set", "search.train_seeds=[1000]"),
    *("--set", "search.finalists=null", "--set", "replicate={seeds: [0], at_most: null, until: null}"),
]


def of(program: str) -> list[str]:
    return [command for command in COMMANDS if command.startswith(program)]


def test_every_command_has_a_check_here():
    assert set(COMMANDS) == {
        *of("make "),
        *of("python -m pip "),
        *of("ass-tune "),
        *of("python -m ass_tune.run "),
        *of("python -m ass_tune.sync "),
        *of("python -m ass_tune.data "),
        *of("python -m analysis."),
        *of("papermill "),
        *of("python -m benchmarks."),
        *of("mlflow ui "),
        *of("optuna-dashboard "),
    }
    assert of("make ") == ["make study", "make test"]


@pytest.mark.parametrize("command", of("make "))
def test_make_knows_the_two_commands(command):
    done = subprocess.run(
        ["make", "--dry-run", command.split()[1]], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert {"make study": "ass_tune.run search_spaces/csa.yaml", "make test": "-m pytest"}[command] in done.stdout


@pytest.mark.parametrize("command", of("python -m ass_tune.data "))
def test_a_data_command_works_as_written(command, data_root, tmp_path, monkeypatch, capsys):
    *arguments, option, _ = shlex.split(command.replace("--sample 20", ""))[3:]
    assert option == "--data-root"
    monkeypatch.chdir(tmp_path)
    few = ["--sample", "4", "--workers", "1"] if arguments[0] == "check" else ["--workers", "2"]
    assert data([*arguments, option, str(data_root), *few]) == 0, capsys.readouterr().err
    assert "idda-camvid" in capsys.readouterr().out


@pytest.mark.parametrize("command", of("python -m benchmarks."))
def test_a_benchmark_knows_its_options(command, capsys, monkeypatch):
    """tests/benchmarks/ run what they measure, at small sizes."""
    module, *options = shlex.split(command)[2:]
    assert options in ([], ["--quick"])
    monkeypatch.setattr(sys, "argv", [module, "--help"])
    with pytest.raises(SystemExit, match="0"):
        runpy.run_module(module, run_name="__main__")
    said = capsys.readouterr().out
    assert "--quick" in said and "--json" in said


@pytest.mark.slow
@pytest.mark.parametrize("command", of("python -m benchmarks."))
def test_a_quick_benchmark_writes_its_figures(command, tmp_path):
    module = shlex.split(command)[2]
    arguments = [sys.executable, "-m", module, "--quick", "--json", str(tmp_path / "figures.json")]
    subprocess.run(arguments, cwd=PROJECT, check=True)
    figures = json.loads((tmp_path / "figures.json").read_text())["figures"]
    # an error may be so rare that a few draws have none of it
    assert all(figure >= 0 for figure in figures.values()) and any(figures.values())


@pytest.mark.parametrize(
    "command", [command for command in of("python -m ass_tune.run ") if "--data-root" not in command]
)
def test_a_run_command_works_as_written(command, studies):
    _, _, _, file, *arguments = shlex.split(command)
    few = FEW if "--step-time" not in arguments else []
    done = studies.run(file, *arguments, *few)
    assert done.returncode == 0, done.stdout + done.stderr
    name = Path(file).stem
    assert (("status" if "--status" in arguments else "plan") + f" of study {name}") in done.stdout
    assert ("tables/table.md" in done.stdout) == (not {"--plan", "--status"} & set(arguments))


REPLAYS = of("ass-tune replay ")


def test_curves_are_replayed_as_written(studies, monkeypatch, capsys):
    monkeypatch.chdir(studies.folder)
    trials = itertools.product(("ga", "ga+csa"), range(4), range(2), range(1, 17))
    rows = [(cell, which, seed, step, 1.0 * which * step) for cell, which, seed, step in trials]
    columns = ["cell", "configuration", "seed", "step", "value"]
    pd.DataFrame(rows, columns=columns).to_parquet("curves.parquet")
    [command] = REPLAYS
    assert ass_tune([*shlex.split(command)[1:], "--repeats", "2"]) == 0
    assert "csa on curves: pruner median, 8 workers, mean of 2 repeats" in capsys.readouterr().out


@pytest.mark.parametrize("command", [command for command in of("ass-tune ") if command not in REPLAYS])
def test_the_one_command_works_as_written(command, studies, monkeypatch, capsys):
    monkeypatch.chdir(studies.folder)
    _, name, file = shlex.split(command)
    given = ["--step-time", "0.1"] if name == "plan" else []
    assert ass_tune([name, file, *given]) == 0
    assert f"{name} of study {file}" in capsys.readouterr().out


def test_a_wheel_is_built_and_installed_as_the_wheel_test_does_it():
    """tests/test_wheel.py, in an environment of its own."""
    build, install = of("python -m pip ")
    assert build == "python -m pip wheel --no-deps --wheel-dir dist ."
    assert re.fullmatch(r"python -m pip install dist/ass_tune-\d+\.\d+\.\d+-py3-none-any\.whl", install)
    assert tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"] in install


def test_the_command_on_real_data_is_the_one_that_the_shipped_files_test_runs():
    """tests/search_spaces/test_shipped_files_run.py, where the data is."""
    real = [command for command in of("python -m ass_tune.run ") if "--data-root" in command]
    assert real == ["python -m ass_tune.run search_spaces/real_csa.yaml --data-root ../shared/data"]


def test_the_commands_of_the_analysis_have_their_checks_elsewhere():
    """tests/analysis/test_readme_commands.py, beside a recorded study."""
    assert len(of("python -m analysis.")) == 6 and len(of("papermill ")) == 1


@pytest.mark.parametrize("command", of("python -m ass_tune.sync "))
def test_a_sync_command_works_as_written(command, studies, monkeypatch, capsys):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    _, _, _, study = shlex.split(command)
    outbox = Outbox(studies.folder / study)
    outbox.append(encode(RunStarted(STUDY_KEY, study, 1_700_000_000.0, tags={"stage": "study"})))
    outbox.close()
    assert sync([study, "--studies", str(studies.folder)]) == 0
    assert f"study {study}: 1 records delivered" in capsys.readouterr().out
    assert studies.client.get_experiment_by_name(study) is not None


@pytest.mark.parametrize("command", [*of("mlflow ui "), *of("optuna-dashboard ")])
def test_the_commands_of_the_views_are_those_that_a_study_prints(command):
    """tests/test_browser_views.py opens the printed ones."""
    program, *arguments = shlex.split(command)
    assert shutil.which(program, path=str(PROJECT / ".venv/bin")) or shutil.which(program)
    assert arguments[-1] in ("sqlite:///studies/mlflow.db", "studies/csa/ledger.journal")


def test_the_search_space_file_of_the_readme_is_valid(tmp_path):
    whole, *parts = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL))
    path = tmp_path / "readme.yaml"
    for part in ({}, *parts):
        path.write_text(yaml.safe_dump({**whole, **part}))
        assert load(path).study == whole["study"]


def test_every_shipped_file_is_named():
    assert {path.name for path in (PROJECT / "search_spaces").glob("*.yaml")} == set(
        re.findall(r"search_spaces/(\w+\.yaml)` \|", README)
    )
    assert {path.name for path in (PROJECT / "search_spaces/paper").glob("*.yaml")} == set(
        re.findall(r"search_spaces/paper/(\w+\.yaml)` \|", PAPER_SCALE)
    )
