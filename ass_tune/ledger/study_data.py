"""The list of the files that a study was begun with, kept in its ledger: any driver can name those that differ."""

from __future__ import annotations

import base64

from optuna.storages import BaseStorage

from trainables.domains.data_files import NO_FILES, DataFiles

CHUNK = 60_000
"""Characters of an attribute: MySQL, where Optuna's storage keeps them as TEXT, takes 65 535 bytes."""


def write_data_files(storage: BaseStorage, study: str, data: DataFiles) -> None:
    """Keep a list of files as system attributes of the study, which Optuna Dashboard does not show."""
    number = _number(storage, study)
    text = base64.b64encode(data.to_parquet()).decode()
    chunks = [text[start : start + CHUNK] for start in range(0, len(text), CHUNK)] if data.sets else []
    for place, chunk in enumerate(chunks):
        storage.set_study_system_attr(number, _name(data.digest, place), chunk)


def read_data_files(storage: BaseStorage, study: str, digest: str) -> DataFiles:
    """The list of files with this digest, which `write_data_files` wrote; an empty digest stands for no files."""
    attributes = storage.get_study_system_attrs(_number(storage, study))
    chunks: list[str] = []
    while (name := _name(digest, len(chunks))) in attributes:
        chunks.append(attributes[name])
    return DataFiles.from_parquet(base64.b64decode("".join(chunks))) if chunks else NO_FILES


def _number(storage: BaseStorage, study: str) -> int:
    return storage.get_study_id_from_name(study)


def _name(digest: str, place: int) -> str:
    """With the digest in it, so that a list which a killed driver left unfinished is never read as part of another."""
    return f"data files {digest} {place}"
