"""Pairs of the package with changes, such as small sizes."""

from __future__ import annotations

from typing import Any

from trainables.domains.file_pair import FilePair
from trainables.domains.pair_file import PairFile
from trainables.domains.shipped import laid_on, shipped_pair


def changed_pair(name: str, **changes: Any) -> FilePair:
    """The pair of that name with values laid on those of its file, as `extends` does."""
    values = shipped_pair(name).model_dump(mode="json", exclude_defaults=True)
    return FilePair(PairFile.model_validate(laid_on(values, changes)))
