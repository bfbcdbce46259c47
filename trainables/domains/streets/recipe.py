"""The two domains of Streets, and the recipe of its four sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from trainables.domains.classes import ClassSet
from trainables.domains.recipe import Content
from trainables.domains.sampling import stream
from trainables.domains.streets.appearance import Appearance, render
from trainables.domains.streets.canvas import HEIGHT, WIDTH
from trainables.domains.streets.classes import STREETS
from trainables.domains.streets.layout import LayoutPriors, paint_scene
from trainables.domains.streets.objects import Crowd
from trainables.domains.streets.roadside import Roadside
from trainables.domains.units import IMAGE
from trainables.version import code_hash

DECIDES = (
    __name__,
    "trainables.domains.sampling",
    "trainables.domains.streets.appearance",
    "trainables.domains.streets.canvas",
    "trainables.domains.streets.classes",
    "trainables.domains.streets.layout",
    "trainables.domains.streets.noise",
    "trainables.domains.streets.objects",
    "trainables.domains.streets.roadside",
    "trainables.domains.units",
)
"""Modules that decide the pixels and the units of images."""


@dataclass(frozen=True)
class Domain:
    """Where things are, and what they look like."""

    layout: LayoutPriors
    look: Appearance


SOURCE = Domain(
    layout=LayoutPriors(
        crowd=Crowd(cars=(1, 5), persons=(0, 4), poles=(1, 5)),
        roadside=Roadside(tree=0.5, gap=0.3, fence=0.35, storeys=(1, 5)),
        terrain=0.5,
        horizon=(0.36, 0.5),
    ),
    look=Appearance(
        palette={
            "road": (102, 99, 100),
            "sidewalk": (155, 145, 140),
            "building": (165, 98, 70),
            "fence": (140, 120, 95),
            "pole": (75, 75, 80),
            "traffic sign": (200, 60, 50),
            "vegetation": (65, 125, 60),
            "terrain": (120, 150, 80),
            "sky": (120, 170, 225),
            "person": (110, 70, 85),
            "car": (80, 85, 130),
        },
        jitter=18.0,
        texture=0.6,
        cast=0.06,
        illumination=(0.75, 1.12),
        gradient=0.12,
        haze=(0.0, 0.1),
        blur=(0.0, 0.0),
        noise=(0.0, 4.0),
        shadow=0.15,
    ),
)

TARGET = Domain(
    layout=LayoutPriors(
        crowd=Crowd(cars=(2, 6), persons=(1, 5), poles=(2, 6)),
        roadside=Roadside(tree=0.65, gap=0.2, fence=0.45, storeys=(2, 7)),
        terrain=0.4,
        horizon=(0.4, 0.54),
    ),
    look=Appearance(
        palette={
            "road": (155, 145, 140),
            "sidewalk": (102, 99, 100),
            "building": (65, 125, 60),
            "fence": (95, 100, 110),
            "pole": (120, 115, 105),
            "traffic sign": (60, 80, 190),
            "vegetation": (165, 98, 70),
            "terrain": (175, 150, 105),
            "sky": (180, 182, 186),
            "person": (80, 85, 120),
            "car": (130, 90, 85),
        },
        jitter=20.0,
        texture=0.9,
        cast=0.10,
        illumination=(0.6, 1.1),
        gradient=0.25,
        haze=(0.05, 0.4),
        blur=(0.3, 0.8),
        noise=(3.0, 10.0),
        shadow=0.35,
    ),
)

SIZES = {"source": 1000, "target_train": 400, "target_select": 100, "target_report": 200}


@dataclass(frozen=True)
class Streets:
    """Generated street scenes (64x128) of two domains whose classes differ in appearance, each in its own way.

    Image i of a set is a function of (seed, set, i) alone.
    """

    name: str = "streets"
    classes: ClassSet = STREETS
    sizes: Mapping[str, int] = field(default_factory=lambda: dict(SIZES))
    source: Domain = SOURCE
    target: Domain = TARGET
    seed: int = 0
    held_out: int = 0
    resample_by: str = IMAGE
    notices: tuple[str, ...] = ()

    def image_size(self, set_name: str) -> tuple[int, int]:
        """128 by 64 in all sets."""
        return WIDTH, HEIGHT

    def label_size(self, set_name: str) -> tuple[int, int]:
        """That of the images."""
        return WIDTH, HEIGHT

    def describe(self, set_name: str) -> dict[str, Any]:
        """The domain's parameters and the generator's code."""
        return {
            "domain": asdict(self._domain(set_name)),
            "images": self.sizes[set_name],
            "seed": self.seed,
            "code": code_hash(DECIDES),
        }

    def check(self, data_root: Path | None) -> None:
        """Nothing is read, so nothing can be missing."""

    def at(self, data_root: Path | None) -> Self:
        """The same wherever data lies."""
        return self

    def files(self, set_name: str, data_root: Path | None) -> Sequence[str]:
        """None: nothing is read."""
        return ()

    def units(self, names: Sequence[str]) -> Sequence[str]:
        """Each image: they are drawn independently of each other."""
        return names

    def build(self, set_name: str, data_root: Path | None, rows: range) -> Content:
        """Generate some images of a set."""
        images = np.empty((len(rows), HEIGHT, WIDTH, 3), np.uint8)
        labels = np.empty((len(rows), HEIGHT, WIDTH), np.uint8)
        for place, index in enumerate(rows):
            images[place], labels[place] = self.image(set_name, index)
        return Content(images, labels, tuple(f"{set_name}/{index:04d}" for index in rows))

    def image(self, set_name: str, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Image (H, W, 3) and labels (H, W), both uint8, of one scene."""
        domain = self._domain(set_name)
        rng = stream(self.seed, f"streets/{set_name}", index)
        scene = paint_scene(rng, domain.layout)
        return render(rng, scene, domain.look), scene.labels()

    def _domain(self, set_name: str) -> Domain:
        return self.source if set_name == "source" else self.target
