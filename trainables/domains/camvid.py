"""CamVid, real street images from a car: classes, label ids, files and split.

Brostow, Fauqueur, Cipolla: Semantic object classes in video (2009), with the 11 classes and the split of SegNet.
"""

from __future__ import annotations

from pathlib import Path

from trainables.domains.classes import IGNORE, ClassSet
from trainables.domains.image_files import LabeledFile

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

TRAIN_IMAGES, SELECT_IMAGES, REPORT_IMAGES, VAL_IMAGES = 367, 45, 51, 101


def train_files(folder: Path) -> list[LabeledFile]:
    """The training images, sorted by name: sequences 0001TP, 0006R0 and 0016E5."""
    return _files(folder / "train")


def val_files(folder: Path) -> list[LabeledFile]:
    """All validation images, sorted by name, which is their order in time."""
    return _files(folder / "val")


def select_files(folder: Path) -> list[LabeledFile]:
    """The select split: the first 45 images of the validation set.

    The whole validation set is one shot of 6.7 s, every second frame of 0016E5 from 07959 to 08159, so a split has
    to cut it. It is cut once: select is 07959 to 08047, report 08059 to 08159, and the five images between them are
    used by neither, so that no report image is a near copy of a select image. The nearest training frames are 39
    frames before and 31 after the shot.
    """
    return val_files(folder)[:SELECT_IMAGES]


def report_files(folder: Path) -> list[LabeledFile]:
    """The report split: the last 51 images of the validation set, see `select_files`."""
    return val_files(folder)[-REPORT_IMAGES:]


def sequence_of(name: str) -> str:
    """The video that an image is a frame of: `0016E5` of `0016E5_07959`."""
    return name.partition("_")[0]


def _files(folder: Path) -> list[LabeledFile]:
    images = sorted((folder / "images").glob("*.jpg"))
    return [LabeledFile(image, folder / "labels" / f"{image.stem}.png") for image in images]
