"""What the driver and the processes of trials must have in common, so that the results of nodes can be compared."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from ass_tune.version import library_versions

PACKAGES = ("ass_tune.on_ray", "trainables")
"""Of ours, those whose code runs a trial."""
LIBRARIES = ("torch", "torchvision", "numpy", "pyarrow", "ray")
CODE = "code of ass_tune"
INSTALL = "install there what the driver has, or run the study with --ship-code"


@cache
def versions() -> dict[str, str]:
    """Versions in this process by name: of Python, of the libraries that decide results, and of our own code."""
    return {"Python": platform.python_version(), **library_versions(LIBRARIES), CODE: _code()}


def version_differences(driver: Mapping[str, str], here: Mapping[str, str]) -> Iterator[str]:
    """A text for each version that the driver has otherwise."""
    for name in dict.fromkeys((*driver, *here)):
        theirs, ours = driver.get(name, "none"), here.get(name, "none")
        if theirs != ours:
            yield f"{name}: found {ours}, the driver has {theirs}"


def _code() -> str:
    """12 hexadecimal digits of the names and contents of the Python files that run a trial, wherever they lie."""
    digest = hashlib.sha256()
    for package in PACKAGES:
        spec = find_spec(package)
        for root in sorted(spec.submodule_search_locations or ()) if spec else ():
            for file in sorted(Path(root).rglob("*.py")):
                content = file.read_bytes()
                digest.update(f"{package}/{file.relative_to(root).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:12]
