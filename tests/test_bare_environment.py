"""A step of the method can be tested and measured on a machine that has no Ray, no Optuna and no MLflow.

What these packages need themselves is there, too: Pillow comes with torchvision, filelock with torch.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.bare_environment import python_with

PACKAGES = ("torch", "torchvision", "numpy", "pyarrow", "pydantic", "PyYAML", "rich")
STEP = """
import pkgutil, sys, tempfile
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

absent = [name for name in ("ray", "optuna", "mlflow", "scipy", "pandas", "matplotlib") if find_spec(name) is None]
assert len(absent) == 6, absent
for package in ("trainables.ass", "trainables.domains"):
    for module in pkgutil.walk_packages(import_module(package).__path__, f"{package}."):
        import_module(module.name)
import trainables.ass_memory, trainables.checkpoints, benchmarks.gpu
from benchmarks.train_step import compare

with tempfile.TemporaryDirectory() as folder:
    found = compare("laptop network", (64, 32), ("float32",), 1, Path(folder))
print(f"{found.difference[0]:.0e}")
"""


@pytest.mark.costly
def test_the_method_its_data_and_its_benchmarks_need_few_packages(tmp_path: Path) -> None:
    done = python_with(PACKAGES, tmp_path / "site", STEP)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 1e-5


def test_a_package_that_is_not_named_is_not_there(tmp_path: Path) -> None:
    done = python_with(["PyYAML"], tmp_path / "site", "import yaml, numpy")
    assert done.returncode != 0
    assert "No module named 'numpy'" in done.stderr
