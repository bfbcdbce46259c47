from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trainables.domains.image_files import LabeledFile


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of real data, or a skip with the reason."""
    beside = Path(__file__).parents[4] / "shared" / "data"
    folder = Path(os.environ.get("ASS_DATA_ROOT", beside))
    if not (folder / "camvid").is_dir() or not (folder / "idda").is_dir():
        pytest.skip(f"no camvid and idda in {folder}; set ASS_DATA_ROOT")
    return folder


@pytest.fixture
def write_pair() -> Callable[..., LabeledFile]:
    """Writes an image in one grey and its label map below a folder's `images` and `labels`."""

    def write(folder: Path, name: str, labels: np.ndarray, size: tuple[int, int] | None = None) -> LabeledFile:
        file = LabeledFile(folder / "images" / f"{name}.jpg", folder / "labels" / f"{name}.png")
        file.image.parent.mkdir(parents=True, exist_ok=True)
        file.label.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size or labels.shape[::-1], (100, 100, 100)).save(file.image)
        Image.fromarray(labels.astype(np.uint8)).save(file.label)
        return file

    return write
