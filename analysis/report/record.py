"""A report as artifacts of the study's own run in MLflow."""

from __future__ import annotations

import tempfile
from pathlib import Path

from analysis.report.files import FOLDER, write_files
from analysis.study import Study
from analysis.through_api import RunFiles


def record_files(study: Study, files: dict[str, bytes]) -> bool:
    """Put the files under `report/`; False where the study was not read from MLflow."""
    if not isinstance(study.files, RunFiles):
        return False
    with tempfile.TemporaryDirectory() as folder:
        write_files(Path(folder), files)
        study.files.add(study.run, Path(folder), FOLDER)
    return True
