"""Whether what a driver's disk has of a study belongs to the study that is now at its URL."""

from __future__ import annotations

from pathlib import Path

from analysis.records import IDENTITY
from ass_tune.ledger.fresh import put_aside
from ass_tune.ledger.lock import study_lock
from trainables.storage import Storage


def belongs_to(studies: Path, study: str, identity: str) -> Path | None:
    """Make this disk's folder of a study one of this identity; returns where another study's folder was put aside.

    A bucket may have been emptied, or be another one of the same name on another server.

    Args:
        studies: the folder of all studies on this disk.
        study: its name.
        identity: of the study at its URL.
    """
    here = Storage(str(studies / study))
    aside = None
    if here.exists(IDENTITY) and here.read_bytes(IDENTITY).decode() != identity:
        with study_lock(here.local_path()):
            aside = put_aside(studies, study)
    if not here.exists(IDENTITY):
        here.write_bytes(IDENTITY, identity.encode())
    return aside
