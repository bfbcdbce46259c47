"""Where things are in a street: ground, facades and trees; objects stand in `objects`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainables.domains.streets.canvas import (
    CAMERA_HEIGHT,
    EVERYWHERE,
    FAR,
    FOCAL_LENGTH,
    HEIGHT,
    WIDTH,
    Camera,
    Canvas,
    grid,
    window,
)
from trainables.domains.streets.classes import BUILDING, FENCE, ROAD, SIDEWALK, SKY, TERRAIN, VEGETATION
from trainables.domains.streets.noise import value_noise
from trainables.domains.streets.objects import Crowd, paint_objects

FACADE_DEPTHS = (2.5, 80.0)
"""Metres between which facades, gaps and fences line the street."""


@dataclass(frozen=True)
class LayoutPriors:
    """How often things occur in a domain.

    Attributes:
        crowd: numbers of cars, persons and poles.
        tree: probability that a tree stands in front of a facade or in a gap.
        gap: probability that a stretch along the street has no building.
        terrain: probability that the ground beside the sidewalk is terrain, and not paved.
        fence: probability that a side of the street has a fence.
        storeys: range of the buildings' storeys.
        horizon: range of the horizon's row, in parts of the image's height.
    """

    crowd: Crowd
    tree: float
    gap: float
    terrain: float
    fence: float
    storeys: tuple[int, int]
    horizon: tuple[float, float]


@dataclass(frozen=True)
class Street:
    """Lateral positions in metres, left (negative) and right: curbs, outer edges of sidewalks, facades."""

    curbs: tuple[float, float]
    sidewalks: tuple[float, float]
    facades: tuple[float, float]


def paint_scene(rng: np.random.Generator, priors: LayoutPriors) -> Canvas:
    """A random street scene."""
    camera = Camera(HEIGHT * rng.uniform(*priors.horizon), WIDTH * rng.uniform(0.35, 0.65))
    street = _random_street(rng)
    canvas = Canvas()
    _paint_sky_and_distance(rng, canvas, camera)
    _paint_ground(rng, canvas, camera, street, priors)
    for side in (0, 1):
        _paint_side(rng, canvas, camera, street, side, priors)
    paint_objects(rng, canvas, camera, street.curbs, street.sidewalks, priors.crowd)
    return canvas


def _random_street(rng: np.random.Generator) -> Street:
    curbs = -rng.uniform(2.5, 6.5), rng.uniform(2.5, 6.5)
    sidewalks = curbs[0] - rng.uniform(1.0, 3.0), curbs[1] + rng.uniform(1.0, 3.0)
    facades = sidewalks[0] - rng.uniform(0.3, 4.0), sidewalks[1] + rng.uniform(0.3, 4.0)
    return Street(curbs, sidewalks, facades)


def _paint_sky_and_distance(rng: np.random.Generator, canvas: Canvas, camera: Camera) -> None:
    canvas.paint(EVERYWHERE, np.ones((HEIGHT, WIDTH), bool), SKY, canvas.new_part(), FAR)
    rows, _ = grid(EVERYWHERE)
    for label, depth in ((BUILDING, 120.0), (VEGETATION, 100.0)):
        skyline = np.repeat(rng.uniform(2.0, 12.0, WIDTH // 8), 8)
        if label == VEGETATION:
            skyline = np.maximum(0.0, rng.uniform(-4.0, 6.0) + 2.0 * value_noise(rng, 4)[0])
        beyond = (rows > camera.horizon - skyline[None, :]) & (rows <= camera.horizon + 1)
        canvas.paint(EVERYWHERE, beyond, label, canvas.new_part(), depth)


def _paint_ground(
    rng: np.random.Generator, canvas: Canvas, camera: Camera, street: Street, priors: LayoutPriors
) -> None:
    where = window(camera.horizon, HEIGHT, 0, WIDTH)
    rows, columns = grid(where)
    below = np.maximum(rows - camera.horizon, 0.25)
    depth = np.minimum(FOCAL_LENGTH * CAMERA_HEIGHT / below, FAR)
    lateral = (columns - camera.center) * depth / FOCAL_LENGTH
    shape = lateral.shape
    for side in (0, 1):
        outside = lateral < street.sidewalks[0] if side == 0 else lateral > street.sidewalks[1]
        label = TERRAIN if rng.random() < priors.terrain else SIDEWALK
        canvas.paint(where, outside, label, canvas.new_part(), depth)
        if rng.random() < 0.3:
            strip = street.curbs[side] * np.array([1.0, rng.uniform(1.1, 1.25)])
            verge = (lateral > strip.min()) & (lateral < strip.max())
        else:
            verge = np.zeros(shape, bool)
        paved = ((lateral < 0) if side == 0 else (lateral > 0)) & ~outside
        canvas.paint(where, paved, SIDEWALK, canvas.new_part(), depth, _tiles(lateral, depth, rng.uniform(0.8, 1.6)))
        canvas.paint(where, verge, TERRAIN, canvas.new_part(), depth)
    road = (lateral > street.curbs[0]) & (lateral < street.curbs[1])
    canvas.paint(where, road, ROAD, canvas.new_part(), depth, _lane_marks(rng, lateral, depth, street))


def _tiles(lateral: np.ndarray, depth: np.ndarray, size: float) -> np.ndarray:
    joints = (np.mod(lateral, size) < 0.12 * size) | (np.mod(depth, size) < 0.12 * size)
    return np.where(joints & (depth < 14.0), -0.18, 0.0)


def _lane_marks(rng: np.random.Generator, lateral: np.ndarray, depth: np.ndarray, street: Street) -> np.ndarray:
    middle = 0.5 * (street.curbs[0] + street.curbs[1])
    length, phase = rng.uniform(2.0, 5.0), rng.uniform(0.0, 5.0)
    dashes = (np.abs(lateral - middle) < 0.09) & (np.mod(depth + phase, 2 * length) < length)
    edges = (np.abs(lateral - street.curbs[0] - 0.35) < 0.06) | (np.abs(lateral - street.curbs[1] + 0.35) < 0.06)
    return np.where(dashes | (edges & (rng.random() < 0.5)), 0.55, 0.0)


def _paint_side(
    rng: np.random.Generator, canvas: Canvas, camera: Camera, street: Street, side: int, priors: LayoutPriors
) -> None:
    # A facade is the plane at a fixed lateral position; its depth follows from the column alone.
    where = window(0, HEIGHT, 0, camera.center) if side == 0 else window(0, HEIGHT, camera.center, WIDTH)
    rows, columns = grid(where)
    lateral = street.facades[side]
    offset = np.maximum(np.abs(columns - camera.center), 0.5)
    depth = FOCAL_LENGTH * abs(lateral) / offset
    height = CAMERA_HEIGHT - (rows - camera.horizon) * depth / FOCAL_LENGTH
    noise = value_noise(rng, 4)[where] + 0.6 * value_noise(rng, 2)[where]
    trees: list[float] = []
    edge = FACADE_DEPTHS[0]
    while edge < FACADE_DEPTHS[1]:
        length = rng.uniform(6.0, 16.0)
        stretch = (depth >= edge) & (depth < edge + length) & (height > 0)
        if rng.random() < priors.gap:
            _paint_hedge(rng, canvas, where, stretch, depth, height, noise)
        else:
            _paint_building(rng, canvas, where, stretch, depth, height, priors.storeys)
        if rng.random() < priors.tree:
            trees.append(edge + length * rng.uniform(0.2, 0.8))
        edge += length
    if rng.random() < priors.fence:
        _paint_fence(rng, canvas, where, columns, rows, camera, street, side)
    for tree_depth in sorted(trees, reverse=True):
        beside = 0.5 * (street.sidewalks[side] + street.facades[side])
        _paint_tree(rng, canvas, camera, tree_depth, beside, noise)


def _paint_building(
    rng: np.random.Generator,
    canvas: Canvas,
    where: tuple[slice, slice],
    stretch: np.ndarray,
    depth: np.ndarray,
    height: np.ndarray,
    storeys: tuple[int, int],
) -> None:
    storey, bay = rng.uniform(2.8, 3.8), rng.uniform(1.8, 3.5)
    top = storey * rng.integers(storeys[0], storeys[1], endpoint=True) + rng.uniform(0.0, 1.5)
    windows = (np.abs(np.mod(height, storey) / storey - 0.55) < 0.24) & (np.mod(depth, bay) / bay < rng.uniform(0.4, 0.6))
    roof = height > top - 0.6
    relief = np.where(windows & ~roof & (depth < 45.0), -rng.uniform(0.3, 0.6), np.where(roof, -0.15, 0.0))
    canvas.paint(where, stretch & (height < top), BUILDING, canvas.new_part(), depth, relief)


def _paint_hedge(
    rng: np.random.Generator,
    canvas: Canvas,
    where: tuple[slice, slice],
    stretch: np.ndarray,
    depth: np.ndarray,
    height: np.ndarray,
    noise: np.ndarray,
) -> None:
    top = rng.uniform(0.8, 5.0) + 0.5 * noise
    canvas.paint(where, stretch & (height < top), VEGETATION, canvas.new_part(), depth)


def _paint_fence(
    rng: np.random.Generator,
    canvas: Canvas,
    where: tuple[slice, slice],
    columns: np.ndarray,
    rows: np.ndarray,
    camera: Camera,
    street: Street,
    side: int,
) -> None:
    lateral = abs(street.sidewalks[side]) + 0.1
    depth = FOCAL_LENGTH * lateral / np.maximum(np.abs(columns - camera.center), 0.5)
    height = CAMERA_HEIGHT - (rows - camera.horizon) * depth / FOCAL_LENGTH
    start, top = rng.uniform(2.0, 12.0), rng.uniform(0.9, 1.7)
    inside = (height > 0) & (height < top) & (depth > start) & (depth < start + rng.uniform(8.0, 30.0))
    bars = np.mod(np.arange(rows.size * 0 + columns.size), 3)[None, :] == 0
    rail = np.abs(height - 0.85 * top) < 0.12
    canvas.paint(where, inside, FENCE, canvas.new_part(), depth, np.where(bars | rail, 0.25, -0.3))


def _paint_tree(
    rng: np.random.Generator, canvas: Canvas, camera: Camera, depth: float, lateral: float, noise: np.ndarray
) -> None:
    scale = FOCAL_LENGTH / depth
    radius_x, radius_y = scale * rng.uniform(1.2, 2.6), scale * rng.uniform(1.2, 2.6)
    center, middle = camera.column(depth, lateral), camera.row(depth, rng.uniform(3.2, 5.0))
    part = canvas.new_part()
    where = window(middle, camera.row(depth), center - max(0.15 * scale, 0.5), center + max(0.15 * scale, 0.5))
    if min(canvas.labels[where].shape):
        canvas.paint(where, np.ones(canvas.labels[where].shape, bool), VEGETATION, part, depth, -0.35)
    where = window(middle - 1.5 * radius_y, middle + 1.5 * radius_y, center - 1.5 * radius_x, center + 1.5 * radius_x)
    rows, columns = grid(where)
    if not rows.size * columns.size:
        return
    distance = ((columns - center) / radius_x) ** 2 + ((rows - middle) / radius_y) ** 2
    edge = value_noise(rng, 4)[where] * 0.25 + value_noise(rng, 2)[where] * 0.15
    canvas.paint(where, distance + edge < 1.0, VEGETATION, part, depth, -0.12 * distance)
