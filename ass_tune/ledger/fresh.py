"""Start a study afresh: what it had is moved aside, never deleted."""

from __future__ import annotations

from itertools import count
from pathlib import Path

ASIDE = "_replaced"
"""No study can have this name."""


def put_aside(studies: Path, study: str) -> Path | None:
    """Move a study's folder to `_replaced/NAME-1`, `-2`, ...; returns where it is now, or None if there was none.

    The caller holds the study's lock, which moves with the folder.
    """
    folder = studies / study
    if not folder.exists():
        return None
    aside = studies / ASIDE
    aside.mkdir(exist_ok=True)
    target = next(path for number in count(1) if not (path := aside / f"{study}-{number}").exists())
    return folder.rename(target)
