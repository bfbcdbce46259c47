from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from trainables.ass.config import AssConfig
from trainables.domains.classes import ClassSet
from trainables.domains.packed import open_packed
from trainables.domains.recipe import Content
from trainables.domains.rows import Rows
from trainables.domains.shard import write_shard

CLASSES = ClassSet(("road", "car", "sky", "pole"), ((0, 0, 0), (1, 1, 1), (2, 2, 2), (3, 3, 3)))
SIZES = {
    "source": (7, 16, 32),
    "target_train": (6, 16, 24),
    "target_select": (5, 16, 24),
    "target_report": (3, 16, 24),
}
TINY: dict[str, Any] = {
    "domains": "tiny",
    "profile": "laptop",
    "seed": 3,
    "iterations": 6,
    "evaluate_every": 3,
    "adaptor": "ga+csa",
    "labeled_images": 3,
    **AssConfig.profiles()["laptop"],
    "warmup": 2,
    "gd_channels": (8,),
    "sd_hidden": 16,
    "aspp_rates": (1, 2),
    "source_batch": 2,
    "labeled_batch": 2,
    "unlabeled_batch": 2,
    "device": "cpu",
}


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four packed sets of noise, with a tenth of the pixels ignored; source images are wider than the target's."""
    folder = tmp_path_factory.mktemp("tiny")
    rng = np.random.default_rng(0)
    for name, shape in SIZES.items():
        images = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
        labels = rng.integers(0, len(CLASSES), shape).astype(np.uint8)
        labels[rng.random(shape) < 0.1] = 255
        names = tuple(f"{name}-{number}" for number in range(shape[0]))
        write_shard(folder / f"{name}.arrow", Content(images, labels, names), {"set": name})
    return folder


@pytest.fixture
def tiny_pair(tiny_folder: Path) -> Any:
    sets = {name: open_packed(tiny_folder / f"{name}.arrow") for name in SIZES}
    return SimpleNamespace(name="tiny", classes=CLASSES, pool=lambda protocol: len(sets["target_train"]), **sets)


@pytest.fixture
def tall_source_pair(tiny_pair: Any) -> Any:
    """The tiny pair with source images twice as high as the target's."""
    images, labels = (Rows([rows[:].repeat(2, 1)]) for rows in (tiny_pair.source.images, tiny_pair.source.labels))
    tiny_pair.source = replace(tiny_pair.source, images=images, labels=labels)
    return tiny_pair


@pytest.fixture
def configure() -> Callable[..., AssConfig]:
    return lambda **changes: AssConfig(**{**TINY, **changes})
