"""SYNTHIA-RAND-CITYSCAPES, street images rendered with Unity: label ids and files.

Ros, Sellart, Materzynska, Vazquez, Lopez: The SYNTHIA dataset: a large collection of synthetic images for semantic
segmentation of urban scenes (2016).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from trainables.domains.cityscapes import select_classes
from trainables.domains.classes import IGNORE, ClassSet
from trainables.domains.numbered_files import NumberedFiles

DECIDES = (
    __name__,
    "trainables.domains.cityscapes",
    "trainables.domains.image_files",
    "trainables.domains.numbered_files",
)
"""Modules that decide which pixels are read from it."""

CITYSCAPES_NAMES = {
    1: "sky",
    2: "building",
    3: "road",
    4: "sidewalk",
    5: "fence",
    6: "vegetation",
    7: "pole",
    8: "car",
    9: "traffic sign",
    10: "person",
    11: "bicycle",
    12: "motorcycle",
    15: "traffic light",
    17: "rider",
    19: "bus",
    21: "wall",
}
"""SYNTHIA label id to the class of Cityscapes.

Ignored are void (0), parking slot (13), road work (14) and lane marking (22), as by those who published results;
terrain (16), truck (18) and train (20) have ids but occur in no image.
"""

LABEL_IDS = range(23)

SIXTEEN_CLASSES = select_classes(tuple(CITYSCAPES_NAMES.values()))
"""The classes that SYNTHIA and Cityscapes have in common, in the order of Cityscapes."""
THIRTEEN_CLASSES = select_classes(tuple(set(CITYSCAPES_NAMES.values()) - {"wall", "fence", "pole"}))
"""The classes of the paper's Table 3: the common ones without wall, fence and pole."""


def ids_for(classes: ClassSet) -> dict[int, int]:
    """Label id to class id of a selection of the 16 common classes; what is not among them is ignored."""
    ids = dict.fromkeys(LABEL_IDS, IGNORE)
    return ids | {label: classes.names.index(name) for label, name in CITYSCAPES_NAMES.items() if name in classes.names}


def open_label_map(path: Path) -> Image.Image:
    """The class ids of a 16-bit RGB PNG: its first channel, the second one numbers instances.

    Raises OSError or ValueError.
    """
    channels = _decode(path)
    if channels.dtype != np.uint16 or len(channels) != 3:
        raise ValueError(
            f"the label map is {channels.itemsize * 8}-bit with {len(channels)} channel(s), expected 16-bit RGB, whose "
            "first channel holds class ids"
        )
    ids = channels[0]
    if ids.max() > LABEL_IDS[-1]:
        unknown = np.unique(ids[ids > LABEL_IDS[-1]]).tolist()
        raise ValueError(f"the label map holds the unknown ids {', '.join(map(str, unknown))}")
    return Image.fromarray(ids.astype(np.uint8))


def _decode(path: Path) -> np.ndarray:
    # Pillow reads the upper eight bits of each value, which are 0; torchvision reads all, but a damaged file can
    # kill its process, so Pillow compares the checksums first. Torch is for those who have SYNTHIA only.
    import torch
    from torchvision.io import ImageReadMode, decode_image

    try:
        with Image.open(path, formats=["PNG"]) as opened:
            opened.verify()
        return decode_image(torch.from_numpy(np.fromfile(path, np.uint8)), ImageReadMode.UNCHANGED).numpy()
    except (UnidentifiedImageError, RuntimeError, SyntaxError) as error:
        raise ValueError("the label map is empty, damaged or no PNG") from error


SYNTHIA = NumberedFiles(
    decides=DECIDES,
    folder="synthia",
    images="RGB",
    labels="GT/LABELS",
    published=9_400,
    ids_for=ids_for,
    size=(1280, 760),
    open_label=open_label_map,
)
