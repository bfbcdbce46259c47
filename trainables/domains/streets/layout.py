"""Where things are in a street: sky, ground, and in modules of their own facades and objects."""

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
from trainables.domains.streets.classes import BUILDING, ROAD, SIDEWALK, SKY, TERRAIN, VEGETATION
from trainables.domains.streets.noise import value_noise
from trainables.domains.streets.objects import Crowd, paint_objects
from trainables.domains.streets.roadside import Roadside, Street, paint_roadside


@dataclass(frozen=True)
class LayoutPriors:
    """How often things occur in a domain.

    Attributes:
        crowd: numbers of cars, persons and poles.
        roadside: what lines the street.
        terrain: probability that the ground next to the sidewalk is terrain, and not paved.
        horizon: range of the horizon's row, in parts of the image's height.
    """

    crowd: Crowd
    roadside: Roadside
    terrain: float
    horizon: tuple[float, float]


def paint_scene(rng: np.random.Generator, priors: LayoutPriors) -> Canvas:
    """A random street scene."""
    camera = Camera(HEIGHT * rng.uniform(*priors.horizon), WIDTH * rng.uniform(0.35, 0.65))
    street = _random_street(rng)
    canvas = Canvas()
    _paint_sky_and_distance(rng, canvas, camera)
    _paint_ground(rng, canvas, camera, street, priors)
    paint_roadside(rng, canvas, camera, street, priors.roadside)
    paint_objects(rng, canvas, camera, street, priors.crowd)
    return canvas


def _random_street(rng: np.random.Generator) -> Street:
    curbs = -rng.uniform(2.0, 5.5), rng.uniform(2.0, 5.5)
    sidewalks = curbs[0] - rng.uniform(1.0, 3.0), curbs[1] + rng.uniform(1.0, 3.0)
    facades = sidewalks[0] - rng.uniform(0.3, 6.0), sidewalks[1] + rng.uniform(0.3, 6.0)
    return Street(curbs, sidewalks, facades)


def _paint_sky_and_distance(rng: np.random.Generator, canvas: Canvas, camera: Camera) -> None:
    canvas.paint(EVERYWHERE, True, canvas.new_part(SKY), FAR)
    rows, _ = grid(EVERYWHERE)
    roofs = np.repeat(rng.uniform(2.0, 12.0, WIDTH // 8), 8)
    treetops = np.maximum(0.0, rng.uniform(-4.0, 6.0) + 2.0 * value_noise(rng, 4)[0])
    for label, skyline, depth in ((BUILDING, roofs, 120.0), (VEGETATION, treetops, 100.0)):
        beyond = (rows > camera.horizon - skyline[None, :]) & (rows <= camera.horizon + 1)
        canvas.paint(EVERYWHERE, beyond, canvas.new_part(label), depth)


def _paint_ground(
    rng: np.random.Generator, canvas: Canvas, camera: Camera, street: Street, priors: LayoutPriors
) -> None:
    where = window(camera.horizon, HEIGHT, 0, WIDTH)
    rows, columns = grid(where)
    below = np.maximum(rows - camera.horizon, 0.25)
    depth = np.minimum(FOCAL_LENGTH * CAMERA_HEIGHT / below, FAR)
    lateral = (columns - camera.center) * depth / FOCAL_LENGTH
    for sign, curb, sidewalk in zip((-1, 1), street.curbs, street.sidewalks, strict=True):
        outward, curb, sidewalk = sign * lateral, abs(curb), abs(sidewalk)
        verge = (curb + (sidewalk - curb) * rng.uniform(0.3, 0.6)) if rng.random() < priors.terrain / 2 else curb
        beyond = TERRAIN if rng.random() < priors.terrain else SIDEWALK
        paved = (outward > verge) & (outward <= sidewalk)
        canvas.paint(where, outward > sidewalk, canvas.new_part(beyond), depth)
        canvas.paint(where, paved, canvas.new_part(SIDEWALK), depth, _tiles(lateral, depth, rng.uniform(0.8, 1.6)))
        canvas.paint(where, (outward > curb) & (outward <= verge), canvas.new_part(TERRAIN), depth)
    road = (lateral > street.curbs[0]) & (lateral < street.curbs[1])
    canvas.paint(where, road, canvas.new_part(ROAD), depth, _lane_marks(rng, lateral, depth, street))


def _tiles(lateral: np.ndarray, depth: np.ndarray, size: float) -> np.ndarray:
    joints = (np.mod(lateral, size) < 0.12 * size) | (np.mod(depth, size) < 0.12 * size)
    return np.where(joints & (depth < 14.0), -0.18, 0.0)


def _lane_marks(rng: np.random.Generator, lateral: np.ndarray, depth: np.ndarray, street: Street) -> np.ndarray:
    middle = 0.5 * (street.curbs[0] + street.curbs[1])
    length, phase = rng.uniform(2.0, 5.0), rng.uniform(0.0, 5.0)
    dashes = (np.abs(lateral - middle) < 0.09) & (np.mod(depth + phase, 2 * length) < length)
    edges = (np.abs(lateral - street.curbs[0] - 0.35) < 0.06) | (np.abs(lateral - street.curbs[1] + 0.35) < 0.06)
    return np.where(dashes | (edges & (rng.random() < 0.5)), 0.55, 0.0)
