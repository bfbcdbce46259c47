"""How many trials fit on a node, as Ray counts."""

from __future__ import annotations

from ass_tune.on_ray.resources import fits


def test_what_is_left_over_of_each_gpu_is_no_place_for_a_part_of_one() -> None:
    has = {"CPU": 64.0, "GPU": 2.0}
    assert fits({"CPU": 1, "GPU": 0.4}, has) == 4, "five would fit if a trial could have a part of each GPU"
    assert fits({"CPU": 1, "GPU": 0.6}, has) == 2
    assert fits({"CPU": 1, "GPU": 0.1}, has) == 20
    assert fits({"CPU": 1, "GPU": 0.3333}, has) == 6
    assert fits({"CPU": 1, "GPU": 2}, has) == 1
    assert fits({"CPU": 1, "GPU": 3}, has) == 0


def test_amounts_are_counted_as_exactly_as_ray_does() -> None:
    assert fits({"CPU": 0.1}, {"CPU": 0.3}) == 3, "0.3 / 0.1 is less than 3 in binary numbers"


def test_a_type_of_gpu_restricts_where_trials_run_and_not_how_many() -> None:
    asked = {"CPU": 1, "GPU": 0.5, "accelerator_type:H100": 0.001}
    assert fits(asked, {"CPU": 8.0, "GPU": 2.0, "accelerator_type:H100": 1.0}) == 4
    assert fits(asked, {"CPU": 8.0, "GPU": 2.0, "accelerator_type:A100": 1.0}) == 0
