"""The label maps of SYNTHIA-RAND-CITYSCAPES, street images rendered with Unity.

Ros, Sellart, Materzynska, Vazquez, Lopez: The SYNTHIA dataset: a large collection of synthetic images for semantic
segmentation of urban scenes (2016).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from trainables.domains.pictures import Pictures

DECIDES = (__name__, "trainables.domains.image_files", "trainables.domains.pictures")
"""Modules that decide what is read."""
LABEL_IDS = range(23)


class Synthia(Pictures):
    """16-bit RGB PNGs, whose first channel has the ids; the second one numbers instances."""

    decides = DECIDES

    def ids(self, path: Path) -> Image.Image:
        """The first channel; raises OSError or ValueError."""
        return open_label_map(path)


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
