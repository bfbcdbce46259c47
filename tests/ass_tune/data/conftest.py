from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ass_tune.data.command import main
from tests.support.published_formats import write_cityscapes, write_gta5
from tests.support.shipped_pairs import changed_pair
from trainables.domains import pairs
from trainables.domains.file_pair import FilePair
from trainables.mistakes import ExitCode

ROAD, SKY, CAR, BUS = 7, 23, 26, 28
SOURCE_IMAGES, TRAIN_IMAGES, VAL_IMAGES = 12, 6, 3
SMALL = changed_pair(
    "gta5-cityscapes",
    pair="small-cityscapes",
    source={"published": SOURCE_IMAGES, "size": [20, 10]},
    target={
        "published": {"train": TRAIN_IMAGES, "val": VAL_IMAGES},
        "size": [16, 8],
        "image_size": [32, 16],
        "judged_size": [32, 16],
        "select": {"of": "train", "part": "last 2 of 6"},
    },
)


def ids(label: int) -> np.ndarray:
    """Labels with road below and another label above, as many pixels of each."""
    return np.repeat([label, ROAD], 8)[:, None].repeat(32, 1)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> FilePair:
    """A small GTA5 -> Cityscapes among the known pairs."""
    monkeypatch.setattr(pairs, "PAIRS", {**pairs.PAIRS, SMALL.name: SMALL})
    return SMALL


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Complete data of the small pair: buses in the source only, cars in the target only."""
    folder = tmp_path / "data"
    for number in range(1, SOURCE_IMAGES + 1):
        write_gta5(folder, number, ids(BUS))
    for number in range(TRAIN_IMAGES):
        write_cityscapes(folder, "train", "aachen", number, ids(CAR))
    for number in range(VAL_IMAGES):
        write_cityscapes(folder, "val", "munster", number, ids(SKY))
    return folder


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ExitCode]:
    """The command with arguments, in one process, with a cache of its own."""
    monkeypatch.setenv("ASS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("ASS_DATA_ROOT", raising=False)
    return lambda *arguments, workers=1: main([*map(str, arguments), "--workers", str(workers)])
