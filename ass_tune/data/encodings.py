"""The encodings that label maps of street images come in, to name the one that a file has in place of the expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from trainables.domains.pair_file import Images
from trainables.domains.shipped import shipped_pair

LIKE = 0.45
"""Largest distance between the published shares of classes and those of ids in the right encoding.

A single image of CamVid or IDDA is 0.48 from CamVid's shares at most, one in a hundred over 0.45.
"""


def likely_encoding(ids: np.ndarray, names: Sequence[str], published: np.ndarray, distance: float) -> str | None:
    """The known encoding in which ids have shares of classes like the published ones, and that is not the one in use.

    Args:
        ids: pixels of each id, (256,) int64.
        names: the classes.
        published: their shares, (classes,).
        distance: of the classes that the ids were read as from the published ones; another encoding has to be nearer.
    """
    known = _known_encodings(names)
    found = {encoding: _distance(ids, id_names, names, published) for encoding, id_names in known.items()}
    nearest = min(found, key=lambda encoding: found[encoding])
    return nearest if found[nearest] <= LIKE and found[nearest] + 0.2 < distance else None


def _known_encodings(names: Sequence[str]) -> Mapping[str, Mapping[int, str]]:
    """Those of the data sets that have some classes: class by label id."""
    camvid = shipped_pair("idda-camvid")
    if set(names) <= set(camvid.classes):
        return {
            "label ids of CamVid (0 to 11)": _class_of_id(camvid.target),
            "label ids of IDDA": _class_of_id(camvid.source),
        }
    cityscapes, synthia = shipped_pair("gta5-cityscapes"), shipped_pair("synthia16-cityscapes")
    return {
        "label ids of Cityscapes": _class_of_id(cityscapes.target),
        "train ids of Cityscapes (0 to 18, 255)": dict(enumerate(cityscapes.classes)),
        "class ids of SYNTHIA": _class_of_id(synthia.source),
    }


def _class_of_id(images: Images) -> Mapping[int, str]:
    return {label: name for name, ids in (images.ids or {}).items() for label in ids}


def distance_between(shares: np.ndarray, others: np.ndarray) -> float:
    """Total variation distance of two distributions: 0 where they are equal, 1 where they have nothing in common."""
    return float(np.abs(shares - others).sum() / 2)


def _distance(ids: np.ndarray, id_names: Mapping[int, str], names: Sequence[str], published: np.ndarray) -> float:
    pixels = np.zeros(len(names))
    for label, name in id_names.items():
        if name in names:
            pixels[names.index(name)] += ids[label]
    return distance_between(pixels / pixels.sum(), published) if pixels.sum() > ids.sum() / 2 else 1.0
