"""Pack all sets of a domain pair before trials start, so that none of them waits for it."""

from __future__ import annotations

from pathlib import Path

from trainables.domains.pairs import open_pair
from trainables.domains.recipe import SETS


def prepare_pair(name: str, cache: Path, data_root: Path | None) -> None:
    """Make what is missing in the folder `cache`; raises `MissingData`."""
    pair = open_pair(name, cache, data_root)
    for set_name in SETS:
        getattr(pair, set_name)
