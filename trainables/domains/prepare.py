"""Pack all sets of a domain pair before trials start, so that none of them waits for it."""

from __future__ import annotations

import logging
from pathlib import Path

from trainables.domains.pairs import open_pair
from trainables.domains.recipe import SETS

logger = logging.getLogger(__name__)


def prepare_pair(name: str, cache: Path, data_root: Path | None) -> None:
    """Make what is missing or damaged in the folder `cache`, the latter with a warning; raises `MissingData`."""
    pair = open_pair(name, cache, data_root)
    for set_name in SETS:
        getattr(pair, set_name)
    for notice in pair.take_notices():
        logger.warning(notice)
