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
    assert plan["device_bytes"] > 1e6
    assert plan["cpu_hours"] > 0
    assert not (studies.folder / "smoke").exists()

    # with earlier studies beside it, it would import Optuna for a replay on their curves
    alone = ["--studies", str(studies.folder)]
    code, modules = modules_of("search_spaces/smoke.yaml", "--plan", *ONE_CELL, *alone)
    assert code == 0
    assert not modules & {"torch", "ray", "optuna", "mlflow"}
    assert json.loads(studies.run("search_spaces/smoke.yaml", "--plan", "--json", *ONE_CELL).stdout) == plan


def test_a_plan_with_a_given_step_time_needs_neither_data_nor_torch(tmp_path):
    arguments = ["search_spaces/paper/table2_csa.yaml", "--plan", "--step-time", "0.36", "--studies", str(tmp_path)]
    code, modules = modules_of(*arguments)
    assert code == 0
    assert not modules & {"torch", "ray", "optuna", "mlflow"}
    command = [sys.executable, "-m", "ass_tune.run", *arguments, "--json"]
    plan = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert plan["gpu_hours"] == 4 * 15
    assert plan["step_time"] == 0.36


def test_a_driver_leaves_torch_to_its_trials():
    on_ray = [f"ass_tune.on_ray.{name}" for name in ("execution", "searcher", "scheduler", "watchdog", "trial_actor")]
    others = ["ass_tune.run", "ass_tune.tracker.opening", "ass_tune.terminal.end_of_study", "trainables.ass_prepare"]
    imports = ", ".join([*on_ray, *others])
    subprocess.run([sys.executable, "-c", f"import sys, {imports}; assert 'torch' not in sys.modules"], check=True)


def test_mistakes_are_found_without_torch_or_ray():
    code, modules = modules_of("search_spaces/smoke.yaml", "--set", "profile=laptopp")
    assert code == 2
    assert not modules & {"torch", "ray", "optuna", "mlflow"}
