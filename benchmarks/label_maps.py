"""Label maps of Cityscapes' size for benchmarks: real ones if available, and predictions with a network's errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from trainables.domains.classes import IGNORE
from trainables.domains.file_pair import FilePair
from trainables.domains.image_files import LabeledFile, open_label_map
from trainables.domains.listing import list_pairs
from trainables.domains.patterns import LABELS, Pattern
from trainables.domains.sampling import stream
from trainables.domains.shipped import shipped_pair

PAIR = FilePair(shipped_pair("gta5-cityscapes"))
CITYSCAPES, SIZE = PAIR.classes, PAIR.label_size("target_report")
CELL = 8
"""Side, in pixels, of the squares that a network predicts as one."""
REGIONS = 80
WRONG_CELLS = 0.1


def real_truths(data_root: Path | None) -> list[np.ndarray]:
    """Train ids (1024, 2048) uint8 of the sample of real Cityscapes labels; empty if it is not available."""
    if data_root is None:
        return []
    train_ids = np.full(256, IGNORE, np.uint8)
    for label, index in PAIR.rule("target_train").ids.items():
        train_ids[label] = index
    return [train_ids[np.asarray(open_label_map(file.label))] for file in cityscapes_sample(data_root)]


def cityscapes_sample(data_root: Path) -> list[LabeledFile]:
    """The real images of Cityscapes among the shared data, with their label maps."""
    images = Pattern("cityscapes_sample/leftImg8bit/train/{sequence}/{stem}_leftImg8bit")
    labels = Pattern("cityscapes_sample/gtFine/train/{sequence}/{stem}_gtFine_labelIds", LABELS)
    found = list_pairs(data_root, images, labels).files
    return [LabeledFile(data_root / image, data_root / label) for image, label in found]


def drawn_truths(count: int) -> list[np.ndarray]:
    """Label maps (1024, 2048) uint8 that resemble real ones: regions with ragged borders, a tenth ignored."""
    return [_drawn_truth(number) for number in range(count)]


def _drawn_truth(number: int) -> np.ndarray:
    rng = stream(0, "truth", number)
    width, height = SIZE
    rows, columns = np.mgrid[: height // CELL, : width // CELL]
    centres = rng.uniform((0, 0), rows.shape, (REGIONS, 2))
    nearest = np.argmin([(rows - row) ** 2 + (columns - column) ** 2 for row, column in centres], axis=0)
    classes = rng.integers(0, len(CITYSCAPES), REGIONS, dtype=np.uint8)
    classes[: REGIONS // 10] = IGNORE
    return enlarged(classes[nearest], rng)


def erring(truth: np.ndarray, number: int) -> np.ndarray:
    """Predictions (H, W) uint8 for a truth: coarse, wrong in some cells, any class where the truth is ignored."""
    rng = stream(0, "prediction", number)
    cells = truth[CELL // 2 :: CELL, CELL // 2 :: CELL].copy()
    wrong = (rng.random(cells.shape) < WRONG_CELLS) | (cells == IGNORE)
    cells[wrong] = rng.integers(0, len(CITYSCAPES), int(wrong.sum()), dtype=np.uint8)
    return enlarged(cells, rng)


def enlarged(cells: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Cells (h, w) as pixels (h CELL, w CELL), some of which near a border are of the cell beyond it."""
    height, width = (length * CELL for length in cells.shape)
    shift = rng.integers(-1, 2, (2, height, width), dtype=np.int16)
    rows = (np.arange(height, dtype=np.int16)[:, None] + shift[0]).clip(0, height - 1) // CELL
    columns = (np.arange(width, dtype=np.int16) + shift[1]).clip(0, width - 1) // CELL
    return cells[rows, columns]
