"""Files of a report, on disk and as artifacts of the study's own run in MLflow."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from analysis.readers.api import RunFiles
from analysis.study import Study

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


def record_files(study: Study, files: dict[str, bytes]) -> bool:
    """Put the files under `report/`; False where the study was not read from MLflow."""
    if not isinstance(study.files, RunFiles):
        return False
    with tempfile.TemporaryDirectory() as folder:
        write_files(Path(folder), files)
        study.files.add(study.run, Path(folder), FOLDER)
    return True
