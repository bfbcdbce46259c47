"""About which share of the labeled pixels each class has in the target data sets, to compare label maps with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

CITYSCAPES: Mapping[str, float] = {
    "road": 36.9,
    "sidewalk": 6.1,
    "building": 22.8,
    "wall": 0.7,
    "fence": 0.9,
    "pole": 1.2,
    "traffic light": 0.2,
    "traffic sign": 0.6,
    "vegetation": 15.9,
    "terrain": 1.2,
    "sky": 4.0,
    "person": 1.2,
    "rider": 0.1,
    "car": 7.0,
    "truck": 0.3,
    "bus": 0.2,
    "train": 0.2,
    "motorcycle": 0.1,
    "bicycle": 0.4,
}
"""Per cent in the 2975 training images of Cityscapes, rounded."""
CAMVID: Mapping[str, float] = {
    "sky": 17.4,
    "building": 24.2,
    "pole": 1.0,
    "road": 33.1,
    "pavement": 4.7,
    "tree": 10.1,
    "sign": 1.2,
    "fence": 1.2,
    "car": 6.1,
    "pedestrian": 0.7,
    "bicyclist": 0.3,
}
"""Per cent in the 367 training images of CamVid, counted in SegNet's label maps."""


def published_shares(names: Sequence[str]) -> np.ndarray | None:
    """The shares (classes,), 0 to 1, of the data set that has all these classes; None where none has."""
    for shares in (CITYSCAPES, CAMVID):
        if set(names) <= shares.keys():
            found = np.array([shares[name] for name in names])
            return found / found.sum()
    return None
