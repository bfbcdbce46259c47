"""Whose disk has the ledger of a study whose other files are where every machine can reach them."""

from __future__ import annotations

import socket
from pathlib import Path

from pydantic import BaseModel, ValidationError

from trainables.mistakes import UserMistake
from trainables.storage import Storage

FILE = "ledger.json"
"""Says in the study's folder where its ledger is; not there where that is a folder on a disk too."""


class LedgerPlace(BaseModel, frozen=True):
    """Where the ledger of a study is."""

    host: str | None
    """None for a database."""
    folder: str | None

    def __str__(self) -> str:
        return "in a database" if self.host is None else f"on the disk of {self.host}, in {self.folder}"


def ledger_place(folder: Path, in_database: bool) -> LedgerPlace:
    """Where the ledger of a driver on this machine is."""
    if in_database:
        return LedgerPlace(host=None, folder=None)
    return LedgerPlace(host=socket.gethostname(), folder=str(folder))


def claim_ledger_place(files: Storage, folder: Path, in_database: bool) -> None:
    """Write down where the ledger is, unless the study has one. Raises UserMistake where that is another one.

    It is what keeps drivers on two machines from running a study with a ledger of its own each.

    Args:
        files: the study's folder, which all machines share.
        folder: of the ledger on this machine's disk.
        in_database: whether the ledger is a database instead.
    """
    if files.is_local:
        return
    ours = ledger_place(folder, in_database)
    if not files.exists(FILE):
        files.write_bytes(FILE, ours.model_dump_json().encode())
    _check(files, ours)


def check_ledger_is_here(files: Storage, folder: Path) -> None:
    """Raise UserMistake where a study has a ledger, and not on this machine's disk."""
    if files.exists(FILE):
        _check(files, ledger_place(folder, in_database=False))


def _check(files: Storage, ours: LedgerPlace) -> None:
    try:
        found = LedgerPlace.model_validate_json(files.read_bytes(FILE))
    except ValidationError:
        raise UserMistake(f"{files.shown(FILE)} is damaged: it should say where the study's ledger is") from None
    if found == ours:
        return
    if found.host is None:
        raise UserMistake(
            f"the ledger of study {files.name} is in a database: name it with --ledger URL or in $ASS_LEDGER"
        )
    raise UserMistake(
        f"the ledger of study {files.name} is {found}, and this driver would begin another one {ours}: run it there, "
        "or copy that folder here and delete "
        f"{files.shown(FILE)}. A study whose driver is to move needs a ledger in a database, --ledger URL"
    )
