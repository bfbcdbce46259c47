"""An environment that has a few of the installed packages, and what these need, and no other."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

from tests.support.project import PROJECT


def python_with(packages: Iterable[str], site: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run code that finds the project and `packages`, linked into the new folder `site`, and nothing else."""
    site.mkdir()
    for found in _with_what_they_need(packages).values():
        for name in {file.parts[0] for file in found.files or () if file.parts[0] not in ("..", "__pycache__")}:
            link = site / name
            if not link.exists():  # parts of one namespace package come from several distributions
                link.symlink_to(Path(str(found.locate_file(name))))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(site), str(PROJECT)))}
    return subprocess.run(
        [sys.executable, "-S", "-c", code], env=environment, capture_output=True, text=True, check=False
    )


def _with_what_they_need(packages: Iterable[str]) -> dict[str, Distribution]:
    found: dict[str, Distribution] = {}
    names = list(packages)
    while names:
        name = re.sub(r"[-_.]+", "-", names.pop()).lower()
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:  # needed on other machines only
            continue
        needed = (Requirement(line) for line in found[name].requires or ())
        names += [one.name for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})]
    return found
