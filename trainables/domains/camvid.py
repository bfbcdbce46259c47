"""CamVid, real street images from a car: classes, label ids, files and split.

Brostow, Fauqueur, Cipolla: Semantic object classes in video (2009), with the 11 classes and the split of SegNet.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from trainables.domains.classes import IGNORE, ClassSet
from trainables.domains.listing import LABELS, Folder, Listing, list_pairs

T = TypeVar("T")
FOLDER = "camvid"
"""The folder below the data root."""

CAMVID = ClassSet(
    names=(
        "sky",
        "building",
        "pole",
        "road",
        "pavement",
        "tree",
        "sign",
        "fence",
        "car",
        "pedestrian",
        "bicyclist",
    ),
    colors=(
        (128, 128, 128),
        (128, 0, 0),
        (192, 192, 128),
        (128, 64, 128),
        (60, 40, 222),
        (128, 128, 0),
        (192, 128, 128),
        (64, 64, 128),
        (64, 0, 128),
        (64, 64, 0),
        (0, 128, 192),
    ),
)

IDS = {**{index: index for index in range(11)}, 11: IGNORE}
"""CamVid label id to class id: the same, with 11 (void) ignored."""

TRAIN_IMAGES, VAL_IMAGES = 367, 101
"""Published images of SegNet's splits."""
SELECT_IMAGES, REPORT_IMAGES = 45, 51
"""Of the 101 validation images."""


def list_split(root: Path, split: str) -> Listing:
    """The images of `train` or `val` below a data root, sorted by name, which is their order in time.

    Train has the sequences 0001TP, 0006R0 and 0016E5.
    """
    folder = f"{FOLDER}/{split}"
    return list_pairs(root, Folder(f"{folder}/images"), Folder(f"{folder}/labels", LABELS))


def divide_val(images: Sequence[T]) -> tuple[Sequence[T], Sequence[T]]:
    """The select and the report split: of the published validation set the first 45 and the last 51 images.

    The whole validation set is one shot of 6.7 s, every second frame of 0016E5 from 07959 to 08159, so a split has
    to cut it. It is cut once: select is 07959 to 08047, report 08059 to 08159, and the five images between them are
    used by neither, so that no report image is a near copy of a select image. The nearest training frames are 39
    frames before and 31 after the shot. Another number of images is cut in the same proportions.
    """
    last = max(1, len(images) * REPORT_IMAGES // VAL_IMAGES)
    first = min(max(1, len(images) * SELECT_IMAGES // VAL_IMAGES), max(0, len(images) - last))
    return images[:first], images[max(0, len(images) - last) :]


def sequence_of(name: str) -> str:
    """The video that an image is a frame of: `0016E5` of `0016E5_07959`."""
    return name.partition("_")[0]
