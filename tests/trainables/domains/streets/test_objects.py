from __future__ import annotations

import numpy as np
import pytest

from trainables.domains.sampling import stream
from trainables.domains.streets.canvas import WIDTH, Camera, Canvas, window
from trainables.domains.streets.classes import CAR, PERSON, POLE, SIGN, SKY
from trainables.domains.streets.objects import Crowd, paint_objects
from trainables.domains.streets.roadside import Street

CAMERA = Camera(horizon=28.0, center=64.0)
STREET = Street(curbs=(-4.0, 4.0), sidewalks=(-6.0, 6.0), facades=(-8.0, 8.0))
NOBODY = (0, 0)


def _paint(crowd: Crowd, index: int) -> Canvas:
    canvas = Canvas()
    canvas.paint(window(0, 64, 0, 128), True, canvas.new_part(SKY), 200.0)
    paint_objects(stream(0, "objects", index), canvas, CAMERA, STREET, crowd)
    return canvas


@pytest.mark.parametrize(("label", "thinnest"), [(POLE, 3), (SIGN, 6)])
def test_thin_things_stay_wide_enough_for_a_coarse_feature_map(label: int, thinnest: int) -> None:
    widths = []
    for index in range(200):
        columns = np.flatnonzero((_paint(Crowd(NOBODY, NOBODY, (1, 1)), index).labels() == label).any(0))
        if columns.size and columns[0] > 0 and columns[-1] < WIDTH - 1:
            widths.append(columns[-1] + 1 - columns[0])
    assert len(widths) > 50
    assert min(widths) == thinnest


def test_a_scene_has_as_many_objects_as_its_crowd() -> None:
    canvas = _paint(Crowd(cars=(2, 2), persons=(3, 3), poles=NOBODY), 0)
    assert sorted(canvas.part_classes) == sorted([SKY, CAR, CAR, PERSON, PERSON, PERSON])


def test_near_objects_stand_before_far_ones() -> None:
    for index in range(20):
        canvas = _paint(Crowd(cars=(6, 6), persons=NOBODY, poles=NOBODY), index)
        depths = [canvas.depth[canvas.parts == part] for part in range(1, 7)]
        seen = [depth[0] for depth in depths if depth.size]
        assert seen == sorted(seen, reverse=True)


def test_objects_stand_on_the_ground() -> None:
    for index in range(50):
        canvas = _paint(Crowd(NOBODY, (1, 1), NOBODY), index)
        rows = np.flatnonzero((canvas.labels() == PERSON).any(1))
        if rows.size:
            depth = canvas.depth[canvas.labels() == PERSON][0]
            assert abs(rows[-1] + 1 - CAMERA.row(depth)) <= 0.5001
