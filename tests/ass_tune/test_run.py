"""The command line itself; whole studies are in test_study.py."""

from __future__ import annotations

import json
import subprocess
import sys

ONE_CELL = ["--set", "ablate.adaptor=[ga]"]
IMPORTED = (
    "import sys; from ass_tune.run import main; code = main(sys.argv[1:]); print(*sorted(sys.modules)); sys.exit(code)"
)


def modules_of(*arguments: str) -> tuple[int, set[str]]:
    """Exit code of a command line and the top-level modules that it imported."""
    command = [sys.executable, "-c", IMPORTED, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, {name.split(".")[0] for name in done.stdout.splitlines()[-1].split()}


def test_a_plan_measures_once_and_needs_neither_torch_nor_ray(studies):
    first = studies.run("search_spaces/smoke.yaml", "--plan", "--json", *ONE_CELL)
    plan = json.loads(first.stdout)
    assert first.returncode == 0
    assert plan["cells"][0]["seconds_per_trial"] > 0
    assert plan["bytes_while_running"] > 1e5
    assert plan["bytes_at_the_end"] > 1e5
    assert not (studies.folder / "smoke").exists()

    code, modules = modules_of("search_spaces/smoke.yaml", "--plan", *ONE_CELL)
    assert code == 0
    assert not modules & {"torch", "ray", "optuna", "mlflow"}
    assert json.loads(studies.run("search_spaces/smoke.yaml", "--plan", "--json", *ONE_CELL).stdout) == plan


def test_mistakes_are_found_without_torch_or_ray():
    code, modules = modules_of("search_spaces/smoke.yaml", "--set", "profile=laptopp")
    assert code == 2
    assert not modules & {"torch", "ray", "optuna", "mlflow"}
