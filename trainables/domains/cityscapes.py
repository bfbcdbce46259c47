"""Cityscapes, photographs of German streets: classes, label ids and files.

Cordts et al.: The Cityscapes dataset for semantic urban scene understanding (2016), in its official folders
`leftImg8bit` and `gtFine`, with the ids of `*_gtFine_labelIds.png` and the 19 classes that are evaluated.
"""

from __future__ import annotations

from pathlib import Path

from trainables.domains.classes import IGNORE, ClassSet
from trainables.domains.listing import LABELS, Folder, Listing, list_pairs

FOLDER = "cityscapes"
"""The folder below the data root."""

CITYSCAPES = ClassSet(
    names=(
        "road",
        "sidewalk",
        "building",
        "wall",
        "fence",
        "pole",
        "traffic light",
        "traffic sign",
        "vegetation",
        "terrain",
        "sky",
        "person",
        "rider",
        "car",
        "truck",
        "bus",
        "train",
        "motorcycle",
        "bicycle",
    ),
    colors=(
        (128, 64, 128),
        (244, 35, 232),
        (70, 70, 70),
        (102, 102, 156),
        (190, 153, 153),
        (153, 153, 153),
        (250, 170, 30),
        (220, 220, 0),
        (107, 142, 35),
        (152, 251, 152),
        (70, 130, 180),
        (220, 20, 60),
        (255, 0, 0),
        (0, 0, 142),
        (0, 0, 70),
        (0, 60, 100),
        (0, 80, 100),
        (0, 0, 230),
        (119, 11, 32),
    ),
)
"""The evaluated classes, indexed by their train id."""

LABEL_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
"""Label ids of the 19 classes, by train id; 0 to 33 without these are not evaluated (void, parking, caravan, ...)."""
LICENCE_PLATE = 255
"""The label id -1 in a byte; the published label maps do not draw it."""

SIZE = (2048, 1024)
"""Width and height of every image and label map."""
TRAIN_IMAGES, VAL_IMAGES = 2975, 500
LAST_CITIES_IMAGES = 359
"""Training images of ulm, weimar and zurich, the last three of the 18 cities."""


def ids_for(classes: ClassSet) -> dict[int, int]:
    """Label id to class id of a selection of the 19 classes; what is not among them is ignored."""
    ids = {**dict.fromkeys(range(34), IGNORE), LICENCE_PLATE: IGNORE}
    for label, name in zip(LABEL_IDS, CITYSCAPES.names, strict=True):
        if name in classes.names:
            ids[label] = classes.names.index(name)
    return ids


def select_classes(names: tuple[str, ...]) -> ClassSet:
    """Some of the 19 classes, in the order of their train ids and with their colours."""
    kept = [train_id for train_id, name in enumerate(CITYSCAPES.names) if name in names]
    return ClassSet(
        tuple(CITYSCAPES.names[train_id] for train_id in kept), tuple(CITYSCAPES.colors[train_id] for train_id in kept)
    )


def list_split(root: Path, split: str, folder: str = FOLDER) -> Listing:
    """The images of `train` or `val` in a folder below a data root, sorted by city and name."""
    return list_pairs(
        root,
        Folder(f"{folder}/leftImg8bit/{split}", end="_leftImg8bit", nested=True),
        Folder(f"{folder}/gtFine/{split}", LABELS, end="_gtFine_labelIds", nested=True),
    )


def city_of(name: str) -> str:
    """The city that an image is of: `munster` of `munster_000000_000019_leftImg8bit`."""
    return name.partition("_")[0]
