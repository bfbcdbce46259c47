from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ass_tune.data.command import main
from tests.support.published_formats import write_cityscapes, write_gta5
from trainables.domains import pairs
from trainables.domains.gta5 import GTA5
from trainables.domains.to_cityscapes import ToCityscapes
from trainables.mistakes import ExitCode

ROAD, SKY, CAR, BUS = 7, 23, 26, 28
SMALL = replace(
    pairs.PAIRS["gta5-cityscapes"],  # pyright: ignore[reportArgumentType]
    name="small-cityscapes",
    source=replace(GTA5, published=12),
    source_size=(20, 10),
    target_size=(16, 8),
    train_images=6,
    last_cities_images=2,
    val_images=3,
    published_size=(32, 16),
)


def ids(label: int) -> np.ndarray:
    """Labels with road below and another label above, as many pixels of each."""
    return np.repeat([label, ROAD], 8)[:, None].repeat(32, 1)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> ToCityscapes:
    """A small GTA5 -> Cityscapes among the known pairs."""
    monkeypatch.setattr(pairs, "PAIRS", {**pairs.PAIRS, SMALL.name: SMALL})
    return SMALL


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Complete data of the small pair: buses in the source only, cars in the target only."""
    folder = tmp_path / "data"
    for number in range(1, SMALL.source.published + 1):
        write_gta5(folder, number, ids(BUS))
    for number in range(SMALL.train_images):
        write_cityscapes(folder, "train", "aachen", number, ids(CAR))
    for number in range(SMALL.val_images):
        write_cityscapes(folder, "val", "munster", number, ids(SKY))
    return folder


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ExitCode]:
    """The command with arguments, in one process, with a cache of its own."""
    monkeypatch.setenv("ASS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("ASS_DATA_ROOT", raising=False)
    return lambda *arguments, workers=1: main([*map(str, arguments), "--workers", str(workers)])
