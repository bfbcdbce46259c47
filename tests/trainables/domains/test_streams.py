from __future__ import annotations

import numpy as np
import pytest

from trainables.domains.sampling import stream


def test_a_stream_is_a_function_of_its_arguments() -> None:
    first = stream(3, "flips", 7)
    first.random(5)
    np.testing.assert_array_equal(stream(3, "flips", 7).random(5), stream(3, "flips", 7).random(5))


@pytest.mark.parametrize("other", [(4, "flips", 7), (3, "crops", 7), (3, "flips", 8)])
def test_streams_of_other_arguments_are_uncorrelated(other: tuple[int, str, int]) -> None:
    a, b = stream(3, "flips", 7).standard_normal(4000), stream(*other).standard_normal(4000)
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.08


def test_first_draws_over_iterations_are_uniform() -> None:
    draws = np.array([stream(0, "flips", iteration).random() for iteration in range(2000)])
    counts, _ = np.histogram(draws, bins=10, range=(0, 1))
    assert ((counts - 200) ** 2 / 200).sum() < 27.9  # chi-squared, 9 degrees of freedom, p = 0.001


def test_a_stream_leaves_the_global_generator_alone() -> None:
    before = np.random.get_state()[1].copy()  # type: ignore[union-attr, index]
    stream(0, "flips").random(10)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # type: ignore[index]
