"""A source as AirSim records it, and a target of photographs, both tiny and drawn here, with the pair file for them.

AirSim saves a folder for each recording, with frames whose numbers are not padded, and label maps that are pictures: a
colour for each kind of object, several kinds for some classes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

PAIR_FILE = """\
pair: airsim-photos
classes: [road, building, tree, sky, car]
source:
  images: airsim/{sequence}/images/img_{stem}.png
  labels: airsim/{sequence}/segmentation/seg_{stem}.png
  colors:
    road: ['#404040', [200, 200, 200]]    # lanes and their lines
    building: [153, 108, 6]
    tree: [107, 142, 35]
    sky: [70, 130, 180]
    car: [[0, 0, 142], [0, 0, 70]]
  ignored_regions: [{top: 20}]            # the bonnet
  size: [32, 16]
target:
  images: photos/{sequence}/{stem}
  labels: photos_labels/{sequence}/{stem}
  ids: {road: 3, building: 1, tree: 5, sky: 0, car: [8, 9]}
  size: [24, 16]
  judged_size: [36, 24]
  train: {share: 0.5}
  select: {share: 0.25}
  report: {share: 0.25}
resample_by: sequence
"""
WIDTH, HEIGHT = 36, 24
COLORS = {
    "road": ((64, 64, 64), (200, 200, 200)),
    "building": ((153, 108, 6),),
    "tree": ((107, 142, 35),),
    "sky": ((70, 130, 180),),
    "car": ((0, 0, 142), (0, 0, 70)),
}
OTHER_COLOR = (1, 2, 3)
"""Of what no class has."""
BONNET = 20
"""The row from which on the own car is seen, labeled as a car."""
IDS = {"road": (3,), "building": (1,), "tree": (5,), "sky": (0,), "car": (8, 9)}
OTHER_ID = 77
NAMES = tuple(COLORS)
RECORDINGS, FRAMES = ("morning", "noon", "rain"), (2, 9, 10)
DRIVES, PHOTOS = tuple(f"d{number}" for number in range(1, 9)), 3


def write_tiny_airsim(root: Path) -> Path:
    """A complete data root; returns the pair file beside it."""
    for place, recording in enumerate(RECORDINGS):
        for frame in FRAMES:
            image, classes = scene(100 * place + frame)
            classes[BONNET:] = NAMES.index("car")
            folder = root / "airsim" / recording
            _save(folder / "images" / f"img_{frame}.png", Image.fromarray(image))
            _save(folder / "segmentation" / f"seg_{frame}.png", _in_colors(classes, palette=recording == "rain"))
    for place, drive in enumerate(DRIVES):
        for number in range(PHOTOS):
            image, classes = scene(1000 + 100 * place + number)
            _save(root / "photos" / drive / f"{number:03d}.jpg", Image.fromarray(255 - image))
            _save(root / "photos_labels" / drive / f"{number:03d}.png", Image.fromarray(_in_ids(classes)))
    file = root.parent / "airsim.yaml"
    file.write_text(PAIR_FILE)
    return file


def scene(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """An image (H, W, 3) and its classes (H, W) uint8; the last column is of no class (255)."""
    rng = np.random.default_rng(seed)
    classes = np.full((HEIGHT, WIDTH), NAMES.index("sky"), np.uint8)
    classes[6:14, : rng.integers(8, 16)] = NAMES.index("building")
    classes[6:14, rng.integers(18, 24) :] = NAMES.index("tree")
    classes[14:] = NAMES.index("road")
    left = rng.integers(2, 24)
    classes[12:18, left : left + 8] = NAMES.index("car")
    classes[:, -1] = 255
    shade = np.array([60, 120, 160, 220, 30] + [0] * 251)[classes]
    return np.clip(shade[..., None] + rng.integers(-20, 20, (HEIGHT, WIDTH, 3)), 0, 255).astype(np.uint8), classes


def _in_colors(classes: np.ndarray, palette: bool) -> Image.Image:
    picture = np.full((*classes.shape, 3), OTHER_COLOR, np.uint8)
    for index, colors in enumerate(COLORS.values()):
        for turn, color in enumerate(colors):
            columns = np.arange(WIDTH)[None] % len(colors) == turn
            picture[(classes == index) & columns] = color
    image = Image.fromarray(picture)
    return image.quantize(16, dither=Image.Dither.NONE) if palette else image


def _in_ids(classes: np.ndarray) -> np.ndarray:
    found = np.full(classes.shape, OTHER_ID, np.uint8)
    for index, ids in enumerate(IDS.values()):
        found[classes == index] = ids[-1]
    return found


def _save(path: Path, picture: Image.Image) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)
