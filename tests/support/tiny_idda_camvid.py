"""IDDA and CamVid with as many files as the pair has, all of them tiny: what is read, without what it takes."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from trainables.domains.pairs import find_pair

SIZE = (8, 6)
PUBLISHED, VAL_IMAGES = find_pair("idda-camvid").sizes, 101
GREY = 90
LABELS = {"idda": (7, 20), "camvid": (3, 0)}
"""Label ids of road and sky, of which all images have one or the other in turn."""
SPLITS = {
    "idda": [f"town_{number:04d}" for number in range(PUBLISHED["source"])],
    "camvid/train": [f"0001TP_{number:06d}" for number in range(PUBLISHED["target_train"])],
    "camvid/val": [f"0016E5_{7959 + 2 * number:05d}" for number in range(VAL_IMAGES)],
}


def write_tiny(root: Path) -> Path:
    """A complete data root."""
    image = image_file(GREY)
    for split, names in SPLITS.items():
        label_files = [label_file(label) for label in LABELS[split.partition("/")[0]]]
        for kind in ("images", "labels"):
            (root / split / kind).mkdir(parents=True)
        for number, name in enumerate(names):
            (root / split / "images" / f"{name}.jpg").write_bytes(image)
            (root / split / "labels" / f"{name}.png").write_bytes(label_files[number % 2])
    (root / "idda" / "train.txt").write_text("\n".join(SPLITS["idda"]) + "\n")
    return root


def image_file(grey: int) -> bytes:
    """A JPEG of one grey."""
    return _encoded(Image.new("RGB", SIZE, (grey, grey, grey)), "JPEG")


def label_file(label: int) -> bytes:
    """A PNG of one label id, of as many bytes for all labels: those after its end mean nothing."""
    labels = np.full(SIZE[::-1], label, np.uint8)
    return _encoded(Image.fromarray(labels), "PNG").ljust(200, b"\0")


def _encoded(picture: Image.Image, kind: str) -> bytes:
    stream = BytesIO()
    picture.save(stream, kind)
    return stream.getvalue()
