"""The version of the code that decides a trial's outcome, as a hash of its source."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path

TRAINABLES = Path(__file__).parent.parent
FOLDERS = ("ass", "domains")


@cache
def code_version() -> str:
    """First 16 hex digits of a SHA-256 over the Python files of the method and of the data, by path."""
    digest = sha256()
    for path in sorted(path for folder in FOLDERS for path in (TRAINABLES / folder).rglob("*.py")):
        digest.update(f"{path.relative_to(TRAINABLES).as_posix()}\0".encode())
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
