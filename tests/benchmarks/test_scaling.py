from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import scaling
from benchmarks.command_line import Timing, run
from benchmarks.drawn_pair import DrawnPair
from trainables.domains.classes import IGNORE
from trainables.domains.recipe import SETS


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_the_exponent_is_the_power_of_pixels_that_seconds_grow_with(power: float) -> None:
    costs = {(2 * side, side): Timing([3e-6 * (2 * side * side) ** power]) for side in (64, 128, 512)}
    assert scaling.exponent(costs) == pytest.approx(power)


def test_steps_of_several_sizes_are_timed_in_turn() -> None:
    costs = scaling.step_costs("laptop network", ((64, 32), (128, 64)), rounds=2)
    assert list(costs) == [(64, 32), (128, 64)]
    assert all(len(timing.seconds) == 2 and timing.median > 0 for timing in costs.values())


def test_a_drawn_pair_is_the_same_whatever_part_of_it_is_made(tmp_path: Path) -> None:
    recipe = DrawnPair((40, 24), images=3)
    pair = recipe.open(tmp_path)
    whole = recipe.build("source", None, range(3))
    np.testing.assert_array_equal(whole.images[2:], recipe.build("source", None, range(2, 3)).images)
    for name in SETS:
        packed = getattr(pair, name)
        assert packed.images.shape == (3, 24, 40, 3) and packed.labels.shape == (3, 24, 40)
        assert packed.labels[:].max() < len(recipe.classes) < IGNORE
    assert not np.array_equal(pair.source.images[:], pair.target_train.images[:])


def test_the_benchmark_writes_its_figures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(scaling, "TRIALS", (1, 2))
    for network in scaling.NETWORKS:
        monkeypatch.setitem(scaling.NETWORKS, network, scaling.NETWORKS["laptop network"])
        monkeypatch.setitem(scaling.SIZES, network, ((64, 32), (128, 64), (256, 128)))
    assert run("scaling", None, scaling.measure, ["--quick", "--json", str(tmp_path / "figures.json")]) == 0
    figures = json.loads((tmp_path / "figures.json").read_text())["figures"]
    assert set(figures) == {"pixel_exponent", "laptop_pixel_exponent", "startup_growth", "startup_growth_per_trial"}
    assert figures["startup_growth_per_trial"] == pytest.approx(figures["startup_growth"] / 2)
