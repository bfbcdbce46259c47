"""The error for a domain pair whose files are not all there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from trainables.domains.recipe import MissingData

SHOWN = 5
"""Absent files named in a message; the others are counted."""


def check_complete(
    name: str, data_root: Path | None, find_problems: Callable[[Path], Sequence[str]], expected: str
) -> None:
    """Raise one `MissingData` with all problems of a pair's files, or that there is no data root, and what is expected.

    Args:
        name: of the pair.
        data_root: the folder of the real data sets.
        find_problems: lists what is absent below the data root, a line each.
        expected: files and what they hold, a line each.
    """
    if data_root is None:
        raise MissingData(
            f"The domain pair {name} needs its data: give --data-root DIR or set ASS_DATA_ROOT. "
            f"Expected in DIR:\n{expected}"
        )
    if problems := find_problems(data_root):
        listed = "\n".join(f"  {problem}" for problem in problems)
        raise MissingData(
            f"The domain pair {name} is not complete in {data_root}:\n{listed}\nExpected in {data_root}:\n{expected}"
        )


def some(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are."""
    return ", ".join(names[:SHOWN]) + (f", and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
