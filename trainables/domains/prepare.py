"""Pack all sets of a domain pair before trials start, so that none of them waits for it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from trainables.domains.pack import absent_bytes, check_room
from trainables.domains.pairs import DomainPair, open_pair
from trainables.domains.progress import Watcher, unwatched
from trainables.domains.recipe import SETS

logger = logging.getLogger(__name__)


def prepare_pair(
    name: str,
    cache: Path,
    data_root: Path | None,
    watch: Watcher = unwatched,
    digests: Mapping[str, str] | None = None,
) -> None:
    """Make what is missing or damaged in the folder `cache`, the latter with a warning.

    Every file is compared with its checksums, and noted, so that trials need not do it. `digests` is
    as for `open_pair`. Raises `MissingData`, `NoRoom`, `OtherData`.
    """
    for notice in pack_pair(open_pair(name, cache, data_root, digests), watch=watch):
        logger.warning(notice)


def pack_pair(
    pair: DomainPair, workers: int | None = None, watch: Watcher = unwatched, sets: Sequence[str] = SETS
) -> list[str]:
    """Make what is missing or damaged of some sets, which can be interrupted and continued.

    Args:
        pair: as `open_pair` gives it.
        workers: number of processes; by default one a core.
        watch: is called with the progress.
        sets: which of its sets.

    Returns:
        Notices of files that were damaged.

    Raises:
        UnusableImages: lists all files of a set that cannot be used.
        NoRoom: before anything is made.
        PackingFailed: a process was killed.
        OtherData: the images are not those that a set was to be made from.
    """
    pair.cache.mkdir(parents=True, exist_ok=True)
    check_room(pair.cache, {set_name: absent_bytes(pair.pack(set_name)) for set_name in sets})
    for set_name in sets:
        pair.make(set_name, workers, watch, trust=False)
    return pair.take_notices()
