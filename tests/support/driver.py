"""A program in the place of NVIDIA's `nvidia-smi`, since the tests run where there is no GPU."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ass_tune.plan.gpus import gpus_here


def answer_as_driver(folder: Path, patch: pytest.MonkeyPatch, *lines: str, status: int = 0) -> None:
    """From now on the machine's driver answers with these lines; the caller clears `gpus_here` when it is over."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "nvidia-smi"
    program.write_text("\n".join(["#!/bin/sh", *(f"echo '{line}'" for line in lines), f"exit {status}"]))
    program.chmod(0o755)
    patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    gpus_here.cache_clear()
