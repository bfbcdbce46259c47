"""The direction of imports: of the project, and of small trees that break it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from tests.support.project import PROJECT

_found = importlib.util.spec_from_file_location("rooms", PROJECT / "tools/rooms.py")
assert _found is not None and _found.loader is not None
rooms = importlib.util.module_from_spec(_found)
sys.modules["rooms"] = rooms  # its dataclass looks for its own module
_found.loader.exec_module(rooms)


def mistakes(root: Path) -> list[str]:
    return rooms.mistakes([one for path in rooms.modules_of(root) for one in rooms.imports(path, root)])


def write(root: Path, **modules: str) -> None:
    for name, source in modules.items():
        path = root / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)


def test_the_project_has_no_import_that_runs_up_and_no_circle() -> None:
    assert len(rooms.modules_of(PROJECT)) > 100
    assert mistakes(PROJECT) == []


@pytest.mark.parametrize(
    ("module", "source", "reason"),
    [
        (
            "ass_tune__search__cells",
            "from ass_tune import terminal",
            "ass_tune.search imports ass_tune.terminal, which is above it",
        ),
        (
            "ass_tune__ledger__lock",
            "def later():\n    import ass_tune.run",
            "ass_tune.ledger imports ass_tune.run, which is above it",
        ),
        ("trainables__words", "import analysis.table", "trainables.words imports analysis.table, a package above it"),
        (
            "ass_tune__search__cells",
            "import ray",
            "imports ray, which only ass_tune/on_ray and the trainables' Ray classes know",
        ),
        ("trainables__ass__loss", "import optuna", "imports optuna, which trainables/ass/ does not know"),
        ("ass_tune__attic__old", "import ass_tune.trial", "ass_tune.attic is on no floor of FLOORS"),
    ],
)
def test_a_wrong_import_is_named_with_its_line(tmp_path: Path, module: str, source: str, reason: str) -> None:
    write(tmp_path, **{"ass_tune__run": "", "ass_tune__trial": "", "ass_tune__terminal__view": "", module: source})
    line = 1 + source.count("\n")
    assert mistakes(tmp_path) == [f"{module.replace('__', '/')}.py:{line}: {reason}"]


def test_rooms_in_a_circle_are_found(tmp_path: Path) -> None:
    write(tmp_path, analysis__table="import analysis.study", analysis__study="import analysis.table")
    assert mistakes(tmp_path) in (
        ["rooms in a circle: analysis.table -> analysis.study -> analysis.table"],
        ["rooms in a circle: analysis.study -> analysis.table -> analysis.study"],
    )


def test_imports_that_run_down_are_no_mistake(tmp_path: Path) -> None:
    write(tmp_path, ass_tune__on_ray__execution="import ray\nimport ass_tune.search.cells\nimport analysis.study")
    write(tmp_path, ass_tune__search__cells="from trainables import words", analysis__study="", trainables__words="")
    assert mistakes(tmp_path) == []
