"""The rooms of the code, and the direction of their imports: `python tools/rooms.py`.

A room is a folder inside `ass_tune`, `analysis` or `trainables`, or a module beside those folders. Every import
counts, those inside functions and for type checkers too. Prints a table; exit code 1 where an import runs up, where
rooms go in a circle, or where a library is imported from a room that must not know it. `--json` prints the figures.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

PROJECT = Path(__file__).parent.parent
PACKAGES = ("ass_tune", "analysis", "trainables")
"""From the top down: each imports from those after it and never from those before it."""
GROUND = ("trial", "nodes", "arguments", "places", "limit", "wording", "version")
FLOORS = (
    ("command",),
    ("run", "sync", "data", "check_trainable"),
    ("terminal",),
    ("on_ray",),
    ("tracker",),
    ("plan",),
    ("replay",),
    ("search",),
    ("ledger",),
    ("spec",),
    GROUND,
)
"""The rooms of `ass_tune` from the top floor down."""
UNKNOWN = {"trainables/ass/": ("ray", "optuna", "mlflow"), "trainables/domains/": ("ray", "optuna", "mlflow")}
"""Libraries that a folder must not know."""
KNOW_RAY = (
    "ass_tune/on_ray/",
    "trainables/ass_trainable.py",
    "trainables/curves_trainable.py",
    "trainables/run_trainable.py",
)
"""Nothing else imports Ray."""


@dataclass(frozen=True)
class Import:
    """One import: the file (relative to the project) and line, and the dotted module that it names."""

    file: str
    line: int
    module: str


def modules_of(root: Path) -> list[Path]:
    """All modules of the packages below a folder."""
    return sorted(path for package in PACKAGES for path in (root / package).rglob("*.py"))


def imports(file: Path, root: Path = PROJECT) -> Iterator[Import]:
    """Everything that a module imports, `from package import module` as the module."""
    name = str(file.relative_to(root))
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (Import(name, node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (Import(name, node.lineno, full if is_module(full, root) else node.module) for full in inner)


def is_module(dotted: str, root: Path) -> bool:
    """Whether there is a module or a package of that name below a folder."""
    path = root.joinpath(*dotted.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def room(parts: Sequence[str]) -> str:
    """The room of a module given as its path or dotted name in parts: `ass_tune.search`, `analysis.table`."""
    return ".".join(part.removesuffix(".py") for part in parts[:2] if part != "__init__.py")


def floor_of(name: str) -> int | None:
    """Number of an `ass_tune` room's floor, the ground floor 0; None for the package itself and other packages."""
    package, _, inner = name.partition(".")
    if package != "ass_tune" or not inner:
        return None
    found = [number for number, rooms in enumerate(reversed(FLOORS)) if inner in rooms]
    return found[0] if found else None


def mistakes(found: Sequence[Import]) -> list[str]:
    """Every import that runs up or names a library that its room must not know, and every circle, in words."""
    lines = [f"{one.file}:{one.line}: {reason}" for one in found if (reason := _mistake(one)) is not None]
    try:
        tuple(TopologicalSorter(arrows(found)).static_order())
    except CycleError as circle:
        lines.append(f"rooms in a circle: {' -> '.join(circle.args[1])}")
    return lines


def _mistake(one: Import) -> str | None:
    here, there, library = room(one.file.split("/")), room(one.module.split(".")), one.module.partition(".")[0]
    if library == "ray" and not one.file.startswith(KNOW_RAY):
        return "imports ray, which only ass_tune/on_ray and the trainables' Ray classes know"
    for folder, libraries in UNKNOWN.items():
        if one.file.startswith(folder) and library in libraries:
            return f"imports {library}, which {folder} does not know"
    if library not in PACKAGES:
        return None
    if PACKAGES.index(library) < PACKAGES.index(one.file.partition("/")[0]):
        return f"{here} imports {there}, a package above it"
    if here.startswith("ass_tune.") and floor_of(here) is None:
        return f"{here} is on no floor of FLOORS"
    ours, theirs = floor_of(here), floor_of(there)
    if ours is not None and theirs is not None and here != there and theirs > ours:
        return f"{here} imports {there}, which is above it"
    return None


def arrows(found: Sequence[Import]) -> Mapping[str, set[str]]:
    """The rooms that each room imports from; a package's own `__init__` is no room."""
    graph: dict[str, set[str]] = {}
    for one in found:
        here, there = room(one.file.split("/")), room(one.module.split("."))
        if "." in here:
            graph.setdefault(here, set())
        if "." in here and "." in there and here != there and there.partition(".")[0] in PACKAGES:
            graph[here].add(there)
    return graph


def height(graph: Mapping[str, set[str]], package: str) -> int:
    """Floors that a package needs: the longest way down through its rooms."""
    inside = {
        name: {r for r in down if r.startswith(package)} for name, down in graph.items() if name.startswith(package)
    }
    levels: dict[str, int] = {}
    for name in TopologicalSorter(inside).static_order():
        levels[name] = 1 + max((levels[below] for below in inside.get(name, ())), default=0)
    return max(levels.values(), default=0)


def figures(found: Sequence[Import], modules: Sequence[Path]) -> dict[str, dict[str, int]]:
    """Per package: rooms, floors, arrows between rooms, files and lines."""
    graph = arrows(found)
    result = {}
    for package in PACKAGES:
        own = [path for path in modules if path.relative_to(PROJECT).parts[0] == package]
        rooms = [name for name in graph if name.startswith(f"{package}.")]
        inside = sum(len([r for r in graph[name] if r.startswith(f"{package}.")]) for name in rooms)
        lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in own)
        result[package] = {"rooms": len(rooms), "floors": height(graph, f"{package}."), "arrows": inside}
        result[package] |= {"files": len(own), "lines": lines}
    return result


def main() -> int:
    """Print what there is and what is wrong."""
    modules = modules_of(PROJECT)
    found = [one for path in modules for one in imports(path)]
    wrong = mistakes(found)
    counted = {} if any("circle" in line for line in wrong) else figures(found, modules)
    if "--json" in sys.argv[1:]:
        print(json.dumps({"packages": counted, "mistakes": wrong}, indent=2))
    else:
        for package, numbers in counted.items():
            print(f"{package:<11}" + ", ".join(f"{count} {what}" for what, count in numbers.items()))
        print("\n".join(wrong) or "no import runs up, no circle")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
