"""The errors for a domain pair whose files are not all there, and how they name files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from trainables.domains.recipe import MissingData

SHOWN = 5
"""Absent files named in a message; the others are counted."""


def needs_data(name: str, expected: str) -> MissingData:
    """The error for a pair without a data root; `expected` has files and what they hold, a line each."""
    return MissingData(
        f"The domain pair {name} needs its data: give --data-root DIR or set ASS_DATA_ROOT. "
        f"Expected in DIR:\n{expected}"
    )


def not_complete(name: str, data_root: Path, problems: Sequence[str], expected: str) -> MissingData:
    """The error with all problems of a pair's files, and what is expected, a line each."""
    listed = "\n".join(f"  {problem}" for problem in problems)
    return MissingData(
        f"The domain pair {name} is not complete in {data_root}:\n{listed}\nExpected in {data_root}:\n{expected}"
    )


def none_left(sets: Mapping[str, Sequence[object]]) -> list[str]:
    """Which sets have no images, a line each."""
    return [f"no images are left for {name}" for name, images in sets.items() if not images]


def other_sizes(pair: str, found: Mapping[str, int], published: Mapping[str, int], subset: int | None) -> list[str]:
    """A line where splits have other numbers of images than the published ones, or only some are used; else none.

    Args:
        pair: its name.
        found: how many images each split has.
        published: how many it had when it was published, where that is known.
        subset: at most how many of each are used.
    """
    differ = [
        f"{name} has {images} ({published[name]} were published)"
        for name, images in found.items()
        if images != published.get(name, images)
    ]
    parts = [f"of images, {', '.join(differ)}"] if differ else []
    parts += [f"at most {subset} of each are used"] if subset else []
    return [f"{pair}: {'; '.join(parts)}"] if parts else []


def some(names: Sequence[str], shown: int = SHOWN) -> str:
    """The first of some names, and how many more there are."""
    return ", ".join(names[:shown]) + (f", and {len(names) - shown} more" if len(names) > shown else "")


def readable(name: str) -> str:
    """A file's name for a message: bytes that are no UTF-8, and characters that do not print, are escaped."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
