"""A study as one Parquet data set (stub)."""

from __future__ import annotations

from pathlib import Path

from analysis.study import Study


def is_export(folder: Path) -> bool:
    """Whether a folder holds an export."""
    return (folder / "trials.parquet").is_file()


def read_export(folder: Path) -> Study:
    """The study in it."""
    raise NotImplementedError
