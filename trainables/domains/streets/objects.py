"""What stands on and next to the road: cars, persons, poles with signs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainables.domains.streets.canvas import FOCAL_LENGTH, Camera, Canvas, grid, window
from trainables.domains.streets.classes import CAR, PERSON, POLE, SIGN
from trainables.domains.streets.roadside import Street

MIN_POLE, MIN_SIGN = 3, 6
"""Pixels: narrower ones vanish at an output stride of 8."""


@dataclass(frozen=True)
class Crowd:
    """Ranges, both ends included, of the numbers of objects in a scene."""

    cars: tuple[int, int]
    persons: tuple[int, int]
    poles: tuple[int, int]


def paint_objects(
    rng: np.random.Generator,
    canvas: Canvas,
    camera: Camera,
    street: Street,
    crowd: Crowd,
) -> None:
    """Paint cars on the road, persons and poles on the sidewalks, the farthest first."""
    planned = [
        (depth, paint)
        for count, depths, paint in (
            (crowd.cars, (5.0, 30.0), _paint_car),
            (crowd.persons, (4.5, 18.0), _paint_person),
            (crowd.poles, (4.5, 25.0), _paint_pole),
        )
        for depth in _random_depths(rng, count, depths)
    ]
    for depth, paint in sorted(planned, key=lambda item: -item[0]):
        paint(rng, canvas, camera, street, depth)


def _random_depths(rng: np.random.Generator, count: tuple[int, int], depths: tuple[float, float]) -> np.ndarray:
    # Uniform in inverse depth is uniform in size on the image.
    return 1.0 / rng.uniform(1.0 / depths[1], 1.0 / depths[0], rng.integers(*count, endpoint=True))


def _on_sidewalk(rng: np.random.Generator, street: Street) -> float:
    side = int(rng.integers(2))
    return street.curbs[side] + (street.sidewalks[side] - street.curbs[side]) * rng.random()


def _paint_car(rng: np.random.Generator, canvas: Canvas, camera: Camera, street: Street, depth: float) -> None:
    scale = FOCAL_LENGTH / depth
    from_behind = rng.random() < 0.7
    width = scale * (rng.uniform(1.7, 2.1) if from_behind else rng.uniform(3.2, 4.4))
    height = scale * rng.uniform(1.35, 1.8)
    center = camera.column(depth, rng.uniform(street.curbs[0] + 0.6, street.curbs[1] - 0.6))
    bottom = camera.row(depth)
    where = window(bottom - height, bottom, center - width / 2, center + width / 2)
    rows, columns = grid(where)
    across, up = np.abs(columns - center) / (width / 2), (bottom - rows) / height
    roof = up > 0.55
    body = np.where(roof, across < 0.95 - 0.9 * (up - 0.55), across <= 1.0)
    glass = (up > 0.58) & (up < 0.9) & (across < 0.72 - 0.5 * (up - 0.58))
    wheels = (up < 0.2) & (across > 0.45) & (across < 0.9)
    lights = (up > 0.3) & (up < 0.45) & (across > 0.7)
    relief = np.select([glass, wheels | (up < 0.08), lights], [-0.55, -0.75, 0.4], 0.0)
    canvas.paint(where, body, canvas.new_part(CAR), depth, relief)


def _paint_person(rng: np.random.Generator, canvas: Canvas, camera: Camera, street: Street, depth: float) -> None:
    height = FOCAL_LENGTH / depth * rng.uniform(1.5, 1.95)
    width = max(height * rng.uniform(0.28, 0.4), 2.0)
    center, bottom = camera.column(depth, _on_sidewalk(rng, street)), camera.row(depth)
    where = window(bottom - height, bottom, center - width / 2, center + width / 2)
    rows, columns = grid(where)
    across, up = np.abs(columns - center) / (width / 2), (bottom - rows) / height
    head = (up > 0.84) & (across < 0.55)
    torso = (up > 0.45) & (up <= 0.84)
    legs = (up <= 0.45) & (across < 0.85)
    tone = rng.uniform(-0.45, 0.25)
    relief = np.where(legs, tone, np.where(head, 0.3, 0.0))
    canvas.paint(where, head | torso | legs, canvas.new_part(PERSON), depth, relief)


def _paint_pole(rng: np.random.Generator, canvas: Canvas, camera: Camera, street: Street, depth: float) -> None:
    scale = FOCAL_LENGTH / depth
    width = max(round(scale * 0.18), MIN_POLE)
    left = round(camera.column(depth, _on_sidewalk(rng, street)) - width / 2)
    center = left + width / 2
    signed = rng.random() < 0.6
    top = rng.uniform(2.4, 3.4) if signed else rng.uniform(3.5, 7.0)
    where = window(camera.row(depth, top), camera.row(depth), left, left + width)
    canvas.paint(where, True, canvas.new_part(POLE), depth)
    if signed:
        side = max(scale * rng.uniform(0.6, 0.9), MIN_SIGN) / 2
        middle = camera.row(depth, top)
        where = window(middle - side, middle + side, center - side, center + side)
        _paint_sign(rng, canvas, where, depth)


def _paint_sign(rng: np.random.Generator, canvas: Canvas, where: tuple[slice, slice], depth: float) -> None:
    height, width = canvas.parts[where].shape
    rows = np.abs(np.linspace(-1, 1, height))[:, None]
    columns = np.abs(np.linspace(-1, 1, width))[None, :]
    mask = np.maximum(rows, columns) <= 1 if rng.random() < 0.5 else rows**2 + columns**2 <= 1.2
    border = np.maximum(rows, columns) > 0.7
    canvas.paint(where, mask, canvas.new_part(SIGN), depth, np.where(border, 0.0, 0.35))
