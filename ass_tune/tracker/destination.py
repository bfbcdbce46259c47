"""Which MLflow a study is recorded in: its folder remembers it, so that a later delivery goes to the same one."""

from __future__ import annotations

import os
import shlex
import uuid
from pathlib import Path

from analysis.experiments import URI_VARIABLE
from analysis.records import IDENTITY
from analysis.tracking_uri import check_uri
from ass_tune.places import Studies
from ass_tune.tracker.store import MlflowStore, default_uri, mlflow_store
from trainables.credentials import MASK, without_credentials
from trainables.mistakes import UserMistake
from trainables.storage import Storage

STUDIES = Path("studies")
"""Folder of all studies where a command names none."""
_STORE = "destination"


def study_identity(folder: Storage) -> str:
    """A random name that the study keeps, since on a shared server somebody else's may have the same name."""
    if not folder.exists(IDENTITY):
        folder.write_bytes(IDENTITY, uuid.uuid4().hex.encode())
    return folder.read_bytes(IDENTITY).decode()


def remember_store(folder: Storage, studies: Path, store: MlflowStore) -> None:
    """Write down, without credentials, where the study is recorded; the default moves with the studies."""
    is_default = store.uri == default_uri(studies)
    folder.write_bytes(_STORE, b"" if is_default else store.display.encode())


def has_default_store(folder: Storage) -> bool:
    """Whether the study was recorded in the database that lies next to the studies."""
    return folder.exists(_STORE) and folder.read_bytes(_STORE) == b""


def remembered_store(folder: Storage, studies: Path, tracking_uri: str | None) -> MlflowStore:
    """The store of a study whose driver is gone: `tracking_uri` if given, else the one that the study had.

    Raises UserMistake where the environment means another one, or the study's needs credentials.
    """
    found = os.environ.get(URI_VARIABLE)
    if tracking_uri is not None or not folder.exists(_STORE):
        return mlflow_store(studies, tracking_uri)
    was = folder.read_bytes(_STORE).decode() or default_uri(studies)
    if found and without_credentials(found) != was:
        raise UserMistake(
            f"the study was recorded in {was} and ${URI_VARIABLE} is {without_credentials(found)}: "
            "say with --tracking-uri which of them is meant"
        )
    if not found and MASK in was:
        raise UserMistake(
            f"the study was recorded in {was}, whose credentials are kept nowhere: "
            f"give the whole URI in ${URI_VARIABLE} or with --tracking-uri"
        )
    return mlflow_store(studies, found or was)


def reachable_store(folder: Storage, studies: Path, tracking_uri: str | None) -> MlflowStore:
    """`remembered_store`; raises UserMistake too where MLflow can never open it. Nothing is connected to."""
    store = remembered_store(folder, studies, tracking_uri)
    try:
        check_uri(store.uri)
    except UserMistake as mistake:
        if tracking_uri is not None:
            raise
        raise UserMistake(
            f"{mistake}\nThe study was recorded there: give a URI that can be opened with --tracking-uri"
        ) from None
    return store


def sync_command(study: str, studies: Studies) -> str:
    """The command that delivers what the study left in its outbox."""
    elsewhere = [] if studies.folder == STUDIES.resolve() else ["--studies", str(studies)]
    return shlex.join(["python", "-m", "ass_tune.sync", study, *elsewhere])
