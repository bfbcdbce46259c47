"""IDDA, street images rendered with CARLA: label ids and files.

Alberti, Tavera, Masone, Caputo: IDDA: a large-scale multi-domain dataset for autonomous driving (2020).
"""

from __future__ import annotations

from pathlib import Path

from trainables.domains.classes import IGNORE, ClassSet
from trainables.domains.listing import LABELS, Folder, Listing
from trainables.domains.name_list import list_named

FOLDER = "idda"
"""The folder below the data root."""

CAMVID_NAMES = {
    1: "building",
    2: "fence",
    4: "pedestrian",
    5: "pole",
    6: "road",
    7: "road",
    8: "pavement",
    9: "tree",
    10: "car",
    11: "building",
    12: "sign",
    13: "sign",
    16: "bicyclist",
    17: "bicyclist",
    18: "bicyclist",
    19: "tree",
    20: "sky",
}
"""IDDA label id to CamVid class; road lines (6) are road, walls (11) building, lights (13) signs, terrain (19) tree."""

LABEL_IDS = range(24)
ROWS_ABOVE_BONNET = 314
"""IDDA labels the bonnet of its own car, from row 314 of 360 down, as car in every image: these rows are cut off."""

TRAIN_IMAGES = 600


def ids_for(classes: ClassSet) -> dict[int, int]:
    """IDDA label id to class id of CamVid's classes; what has no counterpart is ignored."""
    return {label: classes.names.index(CAMVID_NAMES[label]) if label in CAMVID_NAMES else IGNORE for label in LABEL_IDS}


def list_train(root: Path) -> Listing:
    """The images that `train.txt` lists, in its order: three towns, two weathers, two kinds of car."""
    return list_named(root, f"{FOLDER}/train.txt", Folder(f"{FOLDER}/images"), Folder(f"{FOLDER}/labels", LABELS))
