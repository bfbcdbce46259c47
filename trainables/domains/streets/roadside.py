"""What lines a street: facades, hedges in the gaps between them, fences, trees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainables.domains.streets.canvas import CAMERA_HEIGHT, FOCAL_LENGTH, HEIGHT, WIDTH, Camera, Canvas, grid, window
from trainables.domains.streets.classes import BUILDING, FENCE, VEGETATION
from trainables.domains.streets.noise import value_noise

DEPTHS = (2.5, 60.0)
"""Metres between which facades and trees line the street."""


@dataclass(frozen=True)
class Roadside:
    """How often things line a street.

    Attributes:
        tree: probability that a tree stands in front of a stretch of the street.
        gap: probability that a stretch has a hedge, and not a building.
        fence: probability that a side of the street has a fence.
        storeys: range of the buildings' storeys, both ends included.
    """

    tree: float
    gap: float
    fence: float
    storeys: tuple[int, int]


@dataclass(frozen=True)
class Street:
    """Lateral positions in metres, left (negative) and right: curbs, outer edges of sidewalks, facades."""

    curbs: tuple[float, float]
    sidewalks: tuple[float, float]
    facades: tuple[float, float]


@dataclass(frozen=True)
class Wall:
    """An upright plane along the street, as seen in a window of the image.

    Attributes:
        where: rows and columns of the image.
        depth: (1, w) metres from the camera; a column has one depth.
        height: (h, w) metres above the ground.
    """

    where: tuple[slice, slice]
    depth: np.ndarray
    height: np.ndarray

    def stretch(self, near: float, far: float) -> Wall:
        """The part between two depths; may be empty."""
        columns = np.flatnonzero((self.depth[0] >= near) & (self.depth[0] < far))
        first, last = (int(columns[0]), int(columns[-1]) + 1) if columns.size else (0, 0)
        rows, start = self.where[0], self.where[1].start
        inside = slice(first, last)
        return Wall((rows, slice(start + first, start + last)), self.depth[:, inside], self.height[:, inside])


def paint_roadside(
    rng: np.random.Generator, canvas: Canvas, camera: Camera, street: Street, roadside: Roadside
) -> None:
    """Paint both sides of the street."""
    noise = 0.25 * value_noise(rng, 4) + 0.15 * value_noise(rng, 2)
    for side in (0, 1):
        trees = _paint_facades(rng, canvas, _wall(camera, street.facades[side]), roadside, noise)
        if rng.random() < roadside.fence:
            _paint_fence(rng, canvas, _wall(camera, street.sidewalks[side] * 1.03))
        lateral = 0.5 * (street.sidewalks[side] + street.facades[side])
        for depth in reversed(trees):
            _paint_tree(rng, canvas, camera, depth, lateral, noise)


def _wall(camera: Camera, lateral: float) -> Wall:
    where = window(0, HEIGHT, 0, camera.center) if lateral < 0 else window(0, HEIGHT, camera.center, WIDTH)
    rows, columns = grid(where)
    depth = FOCAL_LENGTH * abs(lateral) / np.maximum(np.abs(columns - camera.center), 0.5)
    return Wall(where, depth, CAMERA_HEIGHT - (rows - camera.horizon) * depth / FOCAL_LENGTH)


def _paint_facades(
    rng: np.random.Generator, canvas: Canvas, wall: Wall, roadside: Roadside, noise: np.ndarray
) -> list[float]:
    """Paint buildings and hedges; returns the depths of trees to stand before them, ascending."""
    trees = []
    near = DEPTHS[0]
    while near < DEPTHS[1]:
        length = rng.uniform(6.0, 16.0)
        stretch = wall.stretch(near, near + length)
        if rng.random() < roadside.gap:
            _paint_hedge(rng, canvas, stretch, noise)
        else:
            _paint_building(rng, canvas, stretch, roadside.storeys)
        if rng.random() < roadside.tree:
            trees.append(near + length * rng.uniform(0.2, 0.8))
        near += length
    return trees


def _paint_building(rng: np.random.Generator, canvas: Canvas, wall: Wall, storeys: tuple[int, int]) -> None:
    storey, bay = rng.uniform(2.8, 3.8), rng.uniform(1.8, 3.5)
    top = storey * rng.integers(*storeys, endpoint=True) + rng.uniform(0.0, 1.5)
    panes = np.mod(wall.depth, bay) / bay < rng.uniform(0.4, 0.6)
    windows = panes & (wall.depth < 45.0) & (np.abs(np.mod(wall.height, storey) / storey - 0.55) < 0.24)
    roof = wall.height > top - 0.6
    relief = np.where(roof, -0.15, np.where(windows, -rng.uniform(0.3, 0.6), 0.0))
    body = (wall.height > 0) & (wall.height < top)
    canvas.paint(wall.where, body, canvas.new_part(BUILDING), wall.depth, relief)


def _paint_hedge(rng: np.random.Generator, canvas: Canvas, wall: Wall, noise: np.ndarray) -> None:
    top = rng.uniform(0.8, 5.0) + 2.0 * noise[wall.where]
    canvas.paint(wall.where, (wall.height > 0) & (wall.height < top), canvas.new_part(VEGETATION), wall.depth)


def _paint_fence(rng: np.random.Generator, canvas: Canvas, wall: Wall) -> None:
    near, top = rng.uniform(2.0, 12.0), rng.uniform(0.9, 1.7)
    wall = wall.stretch(near, near + rng.uniform(8.0, 30.0))
    bars = np.arange(wall.depth.size)[None, :] % 3 == 0
    rail = np.abs(wall.height - 0.85 * top) < 0.12
    body = (wall.height > 0) & (wall.height < top)
    canvas.paint(wall.where, body, canvas.new_part(FENCE), wall.depth, np.where(bars | rail, 0.25, -0.3))


def _paint_tree(
    rng: np.random.Generator, canvas: Canvas, camera: Camera, depth: float, lateral: float, noise: np.ndarray
) -> None:
    scale = FOCAL_LENGTH / depth
    width, height = scale * rng.uniform(1.2, 2.6), scale * rng.uniform(1.2, 2.6)
    center, middle = camera.column(depth, lateral), camera.row(depth, rng.uniform(3.2, 5.0))
    part, trunk = canvas.new_part(VEGETATION), max(0.15 * scale, 0.5)
    where = window(middle, camera.row(depth), center - trunk, center + trunk)
    canvas.paint(where, True, part, depth, -0.35)
    where = window(middle - 1.5 * height, middle + 1.5 * height, center - 1.5 * width, center + 1.5 * width)
    rows, columns = grid(where)
    distance = ((columns - center) / width) ** 2 + ((rows - middle) / height) ** 2
    canvas.paint(where, distance + noise[where] < 1.0, part, depth, -0.12 * distance)
