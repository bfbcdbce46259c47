"""Images and label maps in the usual formats, and what their ids and colours stand for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from trainables.domains.classes import IGNORE
from trainables.domains.image_files import open_image, open_label_map
from trainables.domains.missing import some
from trainables.domains.pair_file import Images
from trainables.domains.pair_values import LABEL_IDS, Color
from trainables.domains.patterns import IMAGES, LABELS

DECIDES = (__name__, "trainables.domains.image_files")
"""Modules that decide what is read."""


class Pictures:
    """Images and label maps as Pillow reads them; the base of other readers, which override what differs.

    Attributes:
        decides: the Python modules whose code decides what is read.
        image_endings: endings of image files, in small letters.
        label_endings: those of label maps.
    """

    decides: tuple[str, ...] = DECIDES
    image_endings: frozenset[str] = IMAGES
    label_endings: frozenset[str] = LABELS

    def image(self, path: Path) -> Image.Image:
        """An image in RGB; raises OSError or ValueError."""
        return open_image(path)

    def ids(self, path: Path) -> Image.Image:
        """A label map with an id in each pixel, in mode L or P; raises OSError or ValueError."""
        return open_label_map(path)

    def colors(self, path: Path) -> Image.Image:
        """A label map in RGB, whose colours stand for classes; raises OSError or ValueError."""
        return open_image(path)


@dataclass(frozen=True)
class ColoredLabels:
    """Reads a picture as the places of its colours in a list.

    Attributes:
        reader: opens the file.
        palette: the colours, at most 255.
        rest_ignored: other colours become `IGNORE`; else they are an error.
    """

    reader: Pictures
    palette: tuple[Color, ...]
    rest_ignored: bool

    def __call__(self, path: Path) -> Image.Image:
        """One id a pixel; raises OSError or ValueError."""
        found = _codes(np.asarray(self.reader.colors(path)))
        known = _codes(np.array(self.palette, np.uint8))
        order = np.argsort(known)
        places = np.minimum(np.searchsorted(known[order], found), len(known) - 1)
        ids = order[places].astype(np.uint8)
        other = known[order][places] != found
        if other.any() and not self.rest_ignored:
            unknown = [f"({code >> 16}, {code >> 8 & 255}, {code & 255})" for code in np.unique(found[other]).tolist()]
            raise ValueError(f"the label map holds the unknown colours {some(unknown)}")
        ids[other] = IGNORE
        return Image.fromarray(ids)


def label_maps(
    domain: Images, reader: Pictures, classes: Sequence[str]
) -> tuple[dict[int, int], Callable[[Path], Image.Image]]:
    """Class id by label id, and what reads a label map as label ids, which stand for colours where these are given."""
    names = {name: place for place, name in enumerate(classes)}
    ignored = None if domain.ignored == "rest" else domain.ignored
    if domain.colors is None:
        return _class_ids(names, domain.ids or {}, ignored), reader.ids  # pyright: ignore[reportArgumentType]
    colors = dict.fromkeys(color for of_class in domain.colors.values() for color in of_class)
    palette = tuple(dict.fromkeys([*colors, *(ignored or ())]))
    places = {color: place for place, color in enumerate(palette)}
    ids = {name: tuple(places[color] for color in of_class) for name, of_class in domain.colors.items()}
    return _class_ids(names, ids, None), ColoredLabels(reader, palette, ignored is None)  # pyright: ignore[reportArgumentType]


def _class_ids(
    names: Mapping[str, int], ids: Mapping[str, tuple[int, ...]], ignored: tuple[int, ...] | None
) -> dict[int, int]:
    """Label id to class id.

    Args:
        names: class id of each class.
        ids: label ids by class.
        ignored: ids that are ignored; None for all that no class has.
    """
    of_ignored = range(LABEL_IDS) if ignored is None else ignored
    return {**dict.fromkeys(of_ignored, IGNORE), **{label: names[name] for name in ids for label in ids[name]}}


def _codes(colors: np.ndarray) -> np.ndarray:
    """Colours (..., 3) uint8 as numbers (...)."""
    red, green, blue = np.moveaxis(colors.astype(np.uint32), -1, 0)
    return red << 16 | green << 8 | blue
