"""The files that the trials of a study left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Files(Protocol):
    """The artifacts of a study's runs."""

    def paths(self, run: str) -> Sequence[str]:
        """Names of a run's artifacts, in order."""
        ...

    def read(self, run: str, path: str) -> bytes:
        """One of them; raises FileNotFoundError."""
        ...
