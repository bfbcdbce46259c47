"""The names that `ass_tune` and `analysis` export: light, and the same in any order of imports."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import analysis
import ass_tune
from tests.support.project import PROJECT

HEAVY = "{'torch', 'ray', 'optuna', 'mlflow', 'pydantic', 'rich', 'numpy', 'pandas'}"


def python(program: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)


def test_importing_them_imports_no_library() -> None:
    done = python(f"import sys, ass_tune, analysis, trainables; sys.exit(' '.join({HEAVY} & set(sys.modules)) or 0)")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("package", [ass_tune, analysis], ids=["ass_tune", "analysis"])
def test_every_exported_name_is_there(package) -> None:
    for name in package.__all__:
        found = getattr(package, name)
        assert name in dir(package)
        assert isinstance(found, str) or callable(found)
    with pytest.raises(AttributeError, match="has no attribute 'rum'"):
        _ = package.rum


@pytest.mark.parametrize("name", ["run", "plan"])
@pytest.mark.parametrize(
    "imports",
    [
        "import ass_tune",
        "import ass_tune.run, ass_tune.plan.study_plan",
        "from ass_tune.plan.study_plan import make_plan; from ass_tune.run import main; import ass_tune",
        "import ass_tune; ass_tune.plan, ass_tune.run; import ass_tune.run, ass_tune.plan.study_plan",
    ],
)
def test_a_function_is_not_lost_to_the_module_of_its_name(imports: str, name: str) -> None:
    program = (
        f"{imports}\nassert callable(ass_tune.{name})\ntry: ass_tune.{name}(1, 2, 3)\nexcept TypeError: print('called')"
    )
    done = python(program)
    assert (done.returncode, done.stdout, done.stderr) == (0, "called\n", "")


def test_the_modules_stay_modules() -> None:
    from ass_tune.run import main

    assert ass_tune.run.main is main  # type: ignore[attr-defined]
    assert ass_tune.run is sys.modules["ass_tune.run"] and analysis.load is sys.modules["analysis.load"]
    assert list(inspect.signature(analysis.load).parameters) == ["study", "tracking_uri"]
    assert next(iter(inspect.signature(ass_tune.run).parameters)) == "space"


def test_plan_and_status_import_no_ray() -> None:
    program = (
        "import sys, tempfile, ass_tune; space = ass_tune.load_space('csa', ['search.trials_per_cell=2'])\n"
        "plan = ass_tune.plan(space, step_time=0.1); status = ass_tune.status(space, studies=tempfile.mkdtemp())\n"
        "print(plan.tuning_trials, status.trials_wanted); sys.exit(' '.join({'ray', 'torch'} & set(sys.modules)) or 0)"
    )
    done = python(program)
    assert (done.returncode, done.stdout, done.stderr) == (0, "18 27\n", "")


def test_a_mistake_in_a_file_is_an_exception() -> None:
    from ass_tune.spec import SpecErrors

    with pytest.raises(SpecErrors, match="did you mean 'laptop'"):
        ass_tune.load_space("csa", ["profile=laptopp"])
