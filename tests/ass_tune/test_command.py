"""`ass-tune`: what it says, and that each command is the one of `python -m`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import ass_tune
from ass_tune.command import COMMANDS, main


def test_its_help_has_a_line_for_each_command_within_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    lines = capsys.readouterr().out.splitlines()
    assert list(COMMANDS) == [
        "run",
        "plan",
        "status",
        "sync",
        "replay",
        "data",
        "check-trainable",
        "schema",
        "report",
        "export",
        "import",
    ]
    for name, command in COMMANDS.items():
        assert f"  {name:<17}{command.help}" in lines
    assert max(map(len, lines)) <= 80


def test_its_help_imports_no_library() -> None:
    program = (
        "import sys; from ass_tune.command import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'ray', 'optuna', 'mlflow', 'pydantic', 'rich', 'numpy', 'pandas', 'yaml'}\n"
        "sys.exit(' '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_its_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"ass-tune {ass_tune.__version__}\n"


def test_an_unknown_command_is_answered_with_the_nearest_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["paln", "csa"]) == 2
    message = capsys.readouterr().err
    assert message == (
        "ass-tune: found 'paln'; allowed: run, plan, status, sync, replay, data, check-trainable, schema, report, "
        "export, import; did you mean 'plan'?\n"
    )


def test_without_a_command_it_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "commands:" in capsys.readouterr().err


@pytest.mark.parametrize("name", COMMANDS)
def test_the_usage_of_a_command_says_how_it_was_called(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([name, "--help"])
    assert capsys.readouterr().out.startswith(f"usage: ass-tune {name} ")


def test_plan_and_status_are_run_with_their_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    studies = ["--studies", str(tmp_path)]
    assert main(["plan", "csa", "--step-time", "0.1", *studies]) == 0
    planned = capsys.readouterr().out
    assert main(["run", "csa", "--plan", "--step-time", "0.1", *studies]) == 0
    assert capsys.readouterr().out == planned
    assert "study csa" in planned

    assert main(["status", "csa", *studies]) == 0
    stands = capsys.readouterr().out
    assert main(["run", "csa", "--status", *studies]) == 0
    assert capsys.readouterr().out == stands
    assert "0/39 trials ended" in stands
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["plan", "csa", "--fresh"], ["status", "csa", "--step-time", "1"]])
def test_what_a_command_does_not_do_is_no_option_of_it(arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
