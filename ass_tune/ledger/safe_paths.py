"""Where a study may write, and under which names: never outside its own folder."""

from __future__ import annotations

import re
from pathlib import Path

from trainables.mistakes import UserMistake

LONGEST_NAME = 100


def check_inside(studies: Path, folder: Path) -> None:
    """Raise UserMistake where a study's folder is a link, which may point anywhere, or a file.

    The same goes for a folder of all studies whose name has characters with a meaning in the URI of MLflow's database.
    """
    if odd := [character for character in "%?" if character in str(studies)]:
        raise UserMistake(
            f"{studies}: found {' and '.join(odd)} in the folder of all studies, which means something else in the URI "
            "of MLflow's database; name another folder with --studies"
        )
    if folder.is_symlink():
        raise UserMistake(
            f"{folder}: found a link to {folder.readlink()}; allowed: a folder in {studies}. "
            "To keep studies elsewhere, name that place with --studies"
        )
    if folder.exists() and not folder.is_dir():
        raise UserMistake(f"{folder}: found a file; allowed: the folder of a study. Take another name for the study")
    if folder.resolve().parent != studies.resolve():
        raise UserMistake(f"{folder}: found a folder outside {studies}; allowed: the name of a study")


def file_name(name: str) -> str:
    """A name that every file system and URL takes: letters, digits, `.`, `_` and `-`, not too long, not hidden."""
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", name).lstrip(".") or "_"
    if len(safe) <= LONGEST_NAME:
        return safe
    stem, dot, suffix = safe.rpartition(".")
    short = f"{dot}{suffix}" if dot and len(suffix) < 10 else ""
    return (stem if short else safe)[: LONGEST_NAME - len(short)] + short
