"""The classes of Streets: 11 of the 19 of Cityscapes, with their names and colours."""

from __future__ import annotations

from trainables.domains.classes import ClassSet

_CLASSES = (
    # name, Cityscapes train-id, colour
    ("road", 0, (128, 64, 128)),
    ("sidewalk", 1, (244, 35, 232)),
    ("building", 2, (70, 70, 70)),
    ("fence", 4, (190, 153, 153)),
    ("pole", 5, (153, 153, 153)),
    ("traffic sign", 7, (220, 220, 0)),
    ("vegetation", 8, (107, 142, 35)),
    ("terrain", 9, (152, 251, 152)),
    ("sky", 10, (70, 130, 180)),
    ("person", 11, (220, 20, 60)),
    ("car", 13, (0, 0, 142)),
)

STREETS = ClassSet(tuple(name for name, _, _ in _CLASSES), tuple(color for _, _, color in _CLASSES))
CITYSCAPES_TRAIN_IDS = tuple(train_id for _, train_id, _ in _CLASSES)
"""The Cityscapes train-id of each class id."""

ROAD, SIDEWALK, BUILDING, FENCE, POLE, SIGN, VEGETATION, TERRAIN, SKY, PERSON, CAR = range(len(_CLASSES))
