from __future__ import annotations

import numpy as np
import pytest

from trainables.domains.streets.canvas import CAMERA_HEIGHT, FOCAL_LENGTH, Camera, Canvas, grid, window

CAMERA = Camera(horizon=30.0, center=60.0)


def test_later_paint_covers_earlier_paint_where_its_mask_says() -> None:
    canvas = Canvas()
    canvas.paint(window(0, 64, 0, 128), True, canvas.new_part(8), depth=50.0)
    where = window(10, 20, 30, 50)
    rows, _ = grid(where)
    canvas.paint(where, rows < 15, canvas.new_part(5), depth=9.0, relief=-0.5)
    labels = canvas.labels()
    assert set(np.unique(labels)) == {5, 8}
    np.testing.assert_array_equal(labels == 5, canvas.depth == 9.0)
    np.testing.assert_array_equal(labels == 5, canvas.relief == -0.5)
    assert (labels == 5).sum() == 5 * 20


@pytest.mark.parametrize("box", [(-9, -3, 5, 9), (70, 90, 5, 9), (5, 9, 130, 140), (9, 5, 3, 8)])
def test_a_window_outside_the_image_is_empty_and_paints_nothing(box: tuple[float, float, float, float]) -> None:
    canvas = Canvas()
    canvas.paint(window(0, 64, 0, 128), True, canvas.new_part(8), depth=50.0)
    canvas.paint(window(*box), True, canvas.new_part(5), depth=9.0)
    assert set(np.unique(canvas.labels())) == {8}


def test_the_camera_sees_the_ground_below_and_its_own_height_on_the_horizon() -> None:
    assert CAMERA.row(10.0) == 30.0 + FOCAL_LENGTH * CAMERA_HEIGHT / 10.0
    assert CAMERA.row(10.0, CAMERA_HEIGHT) == 30.0
    assert CAMERA.column(10.0, -2.0) == 60.0 - FOCAL_LENGTH * 0.2
