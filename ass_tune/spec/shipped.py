"""The search-space files that ship with the package, and which file a name means."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
SUFFIXES = (".yaml", ".yml")


def shipped_folder() -> Path:
    """In an installed wheel inside the package; next to it in a checkout."""
    inside = PACKAGE / "search_spaces"
    return inside if inside.is_dir() else PACKAGE.with_name("search_spaces")


def shipped_files() -> Mapping[str, Path]:
    """The files by their names, e.g. `csa` and `paper/table1_gta5`."""
    folder = shipped_folder()
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in sorted(folder.rglob("*.yaml"))}


def located(name: str | Path) -> Path:
    """The file that is meant: the one at this path; for a name without suffix, a YAML file here or a shipped one.

    The path itself where there is none of them.
    """
    path = Path(name)
    if path.suffix in SUFFIXES or path.is_file():
        return path
    here = (path.with_name(f"{path.name}{suffix}") for suffix in SUFFIXES if path.name)
    found = next((file for file in here if file.is_file()), None)
    return found or shipped_files().get(path.as_posix(), path)
