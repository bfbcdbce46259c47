from __future__ import annotations

import numpy as np
import pytest

from trainables.domains.streets.noise import value_noise


@pytest.mark.parametrize("cell", [1, 2, 4, 16])
def test_noise_has_zero_mean_and_deviation_about_one(cell: int) -> None:
    fields = np.stack([value_noise(np.random.default_rng(seed), cell) for seed in range(60)])
    assert fields.shape == (60, 64, 128)
    assert fields.dtype == np.float32
    assert abs(fields.mean()) < 0.08
    assert 0.85 < fields.std() < 1.15


def test_larger_cells_vary_more_slowly() -> None:
    steps = [np.abs(np.diff(value_noise(np.random.default_rng(0), cell), axis=1)).mean() for cell in (1, 2, 4, 16)]
    assert steps == sorted(steps, reverse=True)
