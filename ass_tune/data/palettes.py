"""Colours in the palettes of label maps, which show another class than their ids are read as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from trainables.domains.classes import ClassSet
from trainables.domains.file_pair import FilePair


def contradiction(recipe: FilePair, data_root: Path, set_name: str, rows: Sequence[int]) -> str | None:
    """The first palette that gives ids the colours of other classes than they are read as, in words; else None.

    Only of those label maps is it said that have a palette in the colours of the pair's classes.
    """
    files, ids = recipe.files(set_name, data_root), recipe.rule(set_name).ids
    for label in (files[2 * row + 1] for row in rows):
        with Image.open(data_root / label) as opened:
            if opened.mode == "P" and (wrong := _wrong(opened, ids, recipe.classes)):
                index, name = wrong
                return (
                    f"the palette of {label} shows id {index} in the colour of {name}, and it is read as another class"
                )
    return None


def _wrong(opened: Image.Image, ids: Mapping[int, int], classes: ClassSet) -> tuple[int, str] | None:
    """An id with the colour of a class, although none of the ids in that colour is read as the class."""
    palette = np.array(opened.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
    there = np.flatnonzero(opened.histogram())
    for index, (name, color) in enumerate(zip(classes.names, classes.colors, strict=True)):
        in_color = np.flatnonzero((palette == color).all(axis=1)).tolist()
        found = [label for label in in_color if label in there]
        if found and not any(ids.get(label) == index for label in in_color):
            return found[0], name
    return None
