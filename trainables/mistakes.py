"""Errors that a user can fix, shown as one message without a traceback; and the exit codes of all commands."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from enum import IntEnum
from typing import Any

LONGEST_COMPARED = 100
"""Longer names are not compared with others: that takes the square of their lengths."""


class UserMistake(Exception):
    """Something outside the code is wrong; the message says what was found and what is allowed."""


class CannotRecord(OSError):
    """What a study remembers could not be written; what it has so far is whole, and the same command goes on later."""


class ExitCode(IntEnum):
    """How a command ended."""

    FINISHED = 0
    INCOMPLETE = 1
    """Some trials failed, no cell has a result, the study paused, records still wait for MLflow, or a disk took no more
    of the output."""
    USER_MISTAKE = 2
    INTERRUPTED = 130
    """By Ctrl-C; by another signal the process ends with 128 and its number: 143 for SIGTERM, 129 for SIGHUP."""


_EXTRAS = {"psycopg": "postgres"}
"""What of ours installs a module that a library asks for by itself."""


def missing_driver(error: ImportError) -> str:
    """Of an error that a database's driver is not installed: which module is missing, and what to do."""
    while error.name is None and isinstance(error.__context__, ImportError):
        error = error.__context__
    extra = _EXTRAS.get(error.name or "")
    what = f"pip install 'ass-tune[{extra}]'" if extra else "install it, or name another one, as in mysql+pymysql://..."
    return f"the database needs a driver that is not installed, the module {error.name}: {what}"


def nearest(found: Any, options: Iterable[Any]) -> str:
    """`; did you mean 'x'?` for the nearest name, or nothing where none is near."""
    match = nearest_name(found, options)
    return "" if match is None else f"; did you mean '{match}'?"


def nearest_name(found: Any, options: Iterable[Any]) -> str | None:
    """The option that is most like a name; None where none is near."""
    texts = [option for option in options if isinstance(option, str) and len(option) <= LONGEST_COMPARED]
    matches = get_close_matches(str(found), texts, n=1) if len(str(found)) <= LONGEST_COMPARED else ()
    return matches[0] if matches else None
