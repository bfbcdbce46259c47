"""Standard output and errors as best effort: what cannot be shown must not end what is being done."""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
import unicodedata
from typing import Any, TextIO

PLAIN = "ass_tune.plain"
"""Name of the error handler that writes what an encoding does not have in characters that it has."""
_IN_ASCII = {"±": "+/-", "→": "->", "←": "<-", "−": "-", "–": "-", "—": "-", "×": "x", "·": ".", "≥": ">=", "≤": "<="}
_IN_ASCII |= {"“": '"', "”": '"', "‘": "'", "’": "'", "λ": "lambda", "Δ": "delta", "σ": "sigma"}
_NOBODY_READS = frozenset({errno.EPIPE, errno.EIO, errno.EBADF, errno.ENXIO})
"""Errors of a pipe or a terminal whose other end is closed; it never opens again."""


class BestEffort:
    """A text stream that takes everything. What cannot be written is dropped, and the first reason kept.

    Args:
        stream: where the text goes; all but writing is left to it.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.error: Exception | None = None
        """Why something was not written; None where all was."""
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=PLAIN)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @property
    def disk_took_no_more(self) -> bool:
        """Whether text is missing that somebody wanted to keep: not where the reader of a pipe went away."""
        return isinstance(self.error, OSError) and self.error.errno not in _NOBODY_READS

    def write(self, text: str) -> int:
        """Write or drop; returns the number of characters."""
        try:
            self._stream.write(text)
        except (OSError, ValueError) as error:
            self._dropped(error)
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write or drop each."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Flush or drop."""
        try:
            self._stream.flush()
        except (OSError, ValueError) as error:
            self._dropped(error)

    def finish(self) -> None:
        """Flush for the last time; what is not gone then is dropped, so that Python does not try again at its exit."""
        self.flush()
        if self.error is not None:
            self._to_nowhere()

    def _dropped(self, error: Exception) -> None:
        self.error = self.error or error
        if not isinstance(error, OSError) or error.errno in _NOBODY_READS:
            self._to_nowhere()

    def _to_nowhere(self) -> None:
        """Let the file descriptor lead to nowhere, and empty the stream's buffer into that."""
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
            self._stream.flush()
        except (OSError, ValueError):
            return


def best_effort_streams() -> tuple[BestEffort, BestEffort]:
    """Put `BestEffort` in the place of the process's standard output and errors, which may be closed."""
    _occupy_standard_files()
    out, err = (BestEffort(stream or _nowhere()) for stream in (sys.stdout, sys.stderr))
    sys.stdout, sys.stderr = out, err  # type: ignore[assignment]
    return out, err


def _occupy_standard_files() -> None:
    """Open nowhere in the place of each closed standard file, lest the next file, a ledger say, gets its number."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123


def _plainly(error: UnicodeError) -> tuple[str, int]:
    """What an encoding does not have, in ASCII: `+/-`, letters without accents, bytes of file names as `\\xff`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_in_ascii(character) for character in error.object[error.start : error.end]), error.end


def _in_ascii(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # a byte of a file name that is not UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    decomposed = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return _IN_ASCII.get(character) or decomposed or "?"


codecs.register_error(PLAIN, _plainly)
