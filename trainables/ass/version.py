"""The version of the code that decides a trial's outcome."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from trainables.domains.recipe import code_hash

FOLDERS = ("ass", "domains")


@cache
def code_version() -> str:
    """Hash of the code, comments and docstrings aside, of the method and of the data."""
    trainables = Path(__file__).parent.parent
    return code_hash(*(path for folder in FOLDERS for path in sorted((trainables / folder).rglob("*.py"))))
