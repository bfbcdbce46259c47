"""What a scene looks like in a domain: palettes, textures, light, haze, blur and noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from trainables.domains.streets.canvas import EVERYWHERE, HEIGHT, WIDTH, Canvas, grid
from trainables.domains.streets.classes import STREETS
from trainables.domains.streets.noise import value_noise

Color = tuple[int, int, int]
Range = tuple[float, float]

TEXTURE_CELLS = (1, 2, 4)
TEXTURES: Mapping[str, tuple[float, float, float]] = {
    # Relative contrast of noise at each of TEXTURE_CELLS.
    "road": (0.05, 0.02, 0.02),
    "sidewalk": (0.05, 0.04, 0.02),
    "building": (0.04, 0.03, 0.06),
    "fence": (0.05, 0.0, 0.0),
    "pole": (0.04, 0.0, 0.0),
    "traffic sign": (0.04, 0.0, 0.0),
    "vegetation": (0.16, 0.18, 0.10),
    "terrain": (0.12, 0.08, 0.06),
    "sky": (0.01, 0.0, 0.04),
    "person": (0.06, 0.06, 0.0),
    "car": (0.03, 0.0, 0.03),
}
OBJECT_SPREAD: Mapping[str, float] = {"person": 45.0, "car": 55.0, "traffic sign": 25.0, "building": 14.0}
"""Deviation (of 255) of the colours of single objects around their class; 8 for the other classes."""


@dataclass(frozen=True)
class Appearance:
    """The look of a domain.

    Attributes:
        palette: mean colour by class.
        jitter: deviation (of 255) of a class's colour from image to image.
        texture: gain on the textures' contrast.
        cast: deviation of the gain of a colour channel.
        illumination: range of an image's brightness.
        gradient: largest change of brightness across the image.
        haze: range of the share of haze at infinite depth.
        blur: range of the Gaussian blur, pixels.
        noise: range of the sensor noise's deviation (of 255).
        shadow: largest darkening by cast shadows.
    """

    palette: Mapping[str, Color]
    jitter: float
    texture: float
    cast: float
    illumination: Range
    gradient: float
    haze: Range
    blur: Range
    noise: Range
    shadow: float


def render(rng: np.random.Generator, scene: Canvas, look: Appearance) -> np.ndarray:
    """The image (H, W, 3) uint8 of a scene."""
    image = _surface_colors(rng, scene, look)
    image *= _light(rng, look)[..., None]
    image *= (1.0 + look.cast * rng.standard_normal(3, np.float32)).astype(np.float32)
    image = _add_haze(rng, image, scene.depth, look)
    image = _blur(image, rng.uniform(*look.blur))
    image += np.float32(rng.uniform(*look.noise)) * rng.standard_normal(image.shape, np.float32)
    return np.clip(image + 0.5, 0, 255).astype(np.uint8)


def _surface_colors(rng: np.random.Generator, scene: Canvas, look: Appearance) -> np.ndarray:
    palette = np.array([look.palette[name] for name in STREETS.names], np.float32)
    palette += look.jitter * rng.standard_normal(palette.shape, np.float32)
    classes = np.array(scene.part_classes)
    spread = np.array([OBJECT_SPREAD.get(name, 8.0) for name in STREETS.names], np.float32)[classes]
    colors = palette[classes] + spread[:, None] * rng.standard_normal((len(classes), 3), np.float32)
    contrasts = np.array([TEXTURES[name] for name in STREETS.names], np.float32)[classes]
    texture = sum(contrasts[scene.parts, i] * value_noise(rng, cell) for i, cell in enumerate(TEXTURE_CELLS))
    shade = (1.0 + scene.relief) * (1.0 + np.float32(look.texture) * texture)
    return np.clip(colors, 8, 248)[scene.parts] * shade[..., None].astype(np.float32)


def _light(rng: np.random.Generator, look: Appearance) -> np.ndarray:
    rows, columns = grid(EVERYWHERE)
    angle = rng.uniform(0.0, 2 * np.pi)
    slope = np.cos(angle) * (columns / WIDTH - 0.5) + np.sin(angle) * (rows / HEIGHT - 0.5)
    light = rng.uniform(*look.illumination) * (1.0 + look.gradient * 2 * rng.random() * slope)
    cover = value_noise(rng, 16) > rng.uniform(0.3, 1.2)
    light *= 1.0 - look.shadow * rng.random() * (cover & (rows > HEIGHT * 0.35))
    return light.astype(np.float32)


def _add_haze(rng: np.random.Generator, image: np.ndarray, depth: np.ndarray, look: Appearance) -> np.ndarray:
    share = np.float32(rng.uniform(*look.haze)) * (1.0 - np.exp(-depth / np.float32(35.0)))
    color = (215.0 + 10.0 * rng.standard_normal(3, np.float32)).astype(np.float32)
    return image + share[..., None] * (color - image)


def _blur(image: np.ndarray, sigma: float) -> np.ndarray:
    if sigma == 0:
        return image
    radius = 2
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2).astype(np.float32)
    kernel /= kernel.sum()
    for axis in (0, 1):
        margin = [(radius, radius) if axis == other else (0, 0) for other in range(3)]
        image = sliding_window_view(np.pad(image, margin, mode="edge"), kernel.size, axis) @ kernel
    return image
