"""What of a module's code is part of its version, and what is not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from trainables.version import code_hash

CODE = '''from __future__ import annotations

from math import pi, sqrt

DECIDES = ("one", "two")


def area(width: float, height: float) -> float:
    """The area."""
    if width < 0:
        raise ValueError(f"a width of {width}")
    assert height > 0, "no height"
    return width * height * pi  # in pixels
'''
NUMBERS = count()

Package = Callable[..., str]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Package]:
    """Writes modules, given by their path without `.py`, into a new package that can be imported; returns its name."""

    def write(**modules: str) -> str:
        name = f"of_test_{next(NUMBERS)}"
        for module, code in modules.items():
            file = (tmp_path / name).joinpath(*module.split("__")).with_suffix(".py")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(code.replace("PACKAGE", name))
        return name

    monkeypatch.syspath_prepend(tmp_path)
    yield write


def version(package: Package, code: str) -> str:
    return code_hash([f"{package(module=code)}.module"])


@pytest.mark.parametrize(
    "edited",
    [
        CODE.replace("  # in pixels", ""),
        CODE.replace("The area.", "Width times height."),
        CODE.replace('    """The area."""\n', ""),
        CODE.replace("width * height", "(width  *  height)"),
        CODE.replace("a width of {width}", "{width} is no width"),
        CODE.replace("no height", "height is missing"),
        CODE.replace("width: float", "width: int"),
        CODE.replace("-> float", "-> int"),
        CODE.replace("from math", "from typing import Any\nfrom math"),
        CODE.replace("pi, sqrt", "pi"),
        CODE.replace('"one", ', ""),
    ],
)
def test_what_only_explains_does_not_count(package: Package, edited: str) -> None:
    assert edited != CODE
    assert version(package, edited) == version(package, CODE)


@pytest.mark.parametrize(
    "edited",
    [
        CODE.replace("* height", "+ height"),
        CODE.replace("return width", "return height"),
        CODE.replace("height: float)", "height: float = 1)"),
        CODE.replace("width < 0", "width < 1"),
        CODE.replace("raise ValueError", "raise KeyError"),
        CODE.replace("from math import pi", "from numpy import pi"),
        CODE.replace("import pi, sqrt", "import e as pi"),
        CODE + "area(1, 2)\n",
        CODE + "LABEL = 'a width'\n",
    ],
)
def test_what_is_computed_counts(package: Package, edited: str) -> None:
    assert edited != CODE
    assert version(package, edited) != version(package, CODE)


def test_the_order_of_the_modules_and_one_named_twice_do_not_count(package: Package) -> None:
    name = package(first=CODE, second="x = 1\n")
    first, second = f"{name}.first", f"{name}.second"
    assert code_hash([first, second]) == code_hash([second, first, second]) != code_hash([first])


def test_names_and_folders_of_modules_do_not_count(package: Package) -> None:
    here = package(
        shapes=CODE, user="from PACKAGE import shapes\nfrom PACKAGE.shapes import area\nshapes, area(1, 2)\n"
    )
    there = package(
        kept__forms=CODE,
        kept__user="from PACKAGE.kept import forms as shapes\nfrom .forms import area\nshapes, area(1, 2)\n",
        kept____init__="",
    )
    moved = code_hash([f"{there}.kept.forms", f"{there}.kept.user"])
    assert code_hash([f"{here}.shapes", f"{here}.user"]) == moved


@pytest.mark.parametrize(
    "use", ["from PACKAGE.{} import area\narea(1, 2)\n", "from PACKAGE import {} as shapes\nshapes.area(1, 2)\n"]
)
def test_it_counts_which_of_two_modules_a_name_comes_from(package: Package, use: str) -> None:
    modules = {"one": CODE, "two": CODE.replace("*", "+")}
    names = [package(user=use.format(used), **modules) for used in ("one", "two")]
    first, second = (code_hash([f"{name}.{module}" for module in ("one", "two", "user")]) for name in names)
    assert first != second


def test_a_declared_module_that_is_not_there_is_an_error(package: Package) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"declared to decide outcomes"):
        code_hash([f"{package(module=CODE)}.other"])


def test_the_version_needs_no_import_of_the_modules(package: Package) -> None:
    name = package(module="raise RuntimeError('imported')\n")
    code = f"from trainables.version import code_hash; print(code_hash(['{name}.module']))"
    environment = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == code_hash([f"{name}.module"])
