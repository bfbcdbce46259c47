"""Files of a report on disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

FOLDER = "report"
"""Of a report, in the study's folder and among the artifacts of its run."""


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Each under a temporary name first, so that no half file is ever seen."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.partial")
        partial.write_bytes(content)
        partial.replace(path)
