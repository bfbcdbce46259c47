from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from trainables.domains.sampling import batch_indices, crop_offsets, flips, labeled_subset, stream


@pytest.mark.parametrize(("pool", "batch"), [(12, 4), (10, 4), (5, 4), (3, 7), (1, 4)])
def test_every_epoch_covers_every_index_once(pool: int, batch: int) -> None:
    drawn = np.concatenate([batch_indices(2, "source", iteration, pool, batch) for iteration in range(3 * pool)])
    for epoch in drawn.reshape(-1, pool):
        assert sorted(epoch) == list(range(pool))


def test_a_batch_is_a_function_of_its_arguments_in_any_order_of_calls() -> None:
    forward = [batch_indices(2, "source", iteration, 10, 4) for iteration in range(20)]
    backward = [batch_indices(2, "source", iteration, 10, 4) for iteration in reversed(range(20))]
    np.testing.assert_array_equal(forward, backward[::-1])


def test_epochs_seeds_and_names_permute_differently() -> None:
    one = batch_indices(2, "source", 0, 50, 50)
    for other in (("source", 1, 2), ("unlabeled", 0, 2), ("source", 0, 3)):
        name, epoch, seed = other
        assert not np.array_equal(one, batch_indices(seed, name, epoch, 50, 50))


def test_indices_come_out_of_a_given_pool() -> None:
    pool = np.array([7, 3, 11])
    drawn = np.concatenate([batch_indices(0, "labeled", iteration, pool, 2) for iteration in range(3)])
    assert sorted(drawn) == [3, 3, 7, 7, 11, 11]


def test_a_large_pool_is_drawn_from_in_the_order_of_a_fresh_permutation() -> None:
    order = stream(4, "source/epoch", 1).permutation(24966)
    np.testing.assert_array_equal(batch_indices(4, "source", 24967, 24966, 1), order[[1]])
    pool = np.arange(3000) * 2
    np.testing.assert_array_equal(
        batch_indices(4, "source", 0, pool, 3), stream(4, "source/epoch").permutation(pool)[:3]
    )


def test_an_empty_pool_is_an_error() -> None:
    with pytest.raises(ValueError, match="no images to draw from in 'labeled'"):
        batch_indices(0, "labeled", 0, np.array([], int), 4)


def test_half_of_the_images_are_flipped() -> None:
    drawn = np.concatenate([flips(0, "source", iteration, 4) for iteration in range(500)])
    assert drawn.dtype == bool
    assert 0.45 < drawn.mean() < 0.55
    np.testing.assert_array_equal(flips(0, "source", 9, 4), flips(0, "source", 9, 4))


def test_crop_offsets_reach_both_ends_and_no_further() -> None:
    drawn = np.concatenate([crop_offsets(0, "source", iteration, 4, room=3) for iteration in range(100)])
    assert set(drawn) == {0, 1, 2, 3}
    np.testing.assert_array_equal(crop_offsets(0, "source", 1, 4, room=0), [0, 0, 0, 0])


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


def test_a_smaller_budget_is_within_a_larger_one() -> None:
    subsets = [labeled_subset(400, count, seed=5) for count in (0, 5, 20, 50, 200, 400)]
    for smaller, larger in pairwise(subsets):
        assert set(smaller) < set(larger)


def test_a_subset_has_no_image_twice_and_the_asked_for_size() -> None:
    subset = labeled_subset(400, 50, seed=5)
    assert len(np.unique(subset)) == len(subset) == 50
    assert subset.min() >= 0
    assert subset.max() < 400


def test_seeds_draw_different_subsets() -> None:
    assert set(labeled_subset(400, 20, seed=0)) != set(labeled_subset(400, 20, seed=1))


@pytest.mark.parametrize("count", [-1, 401])
def test_a_budget_outside_the_pool_is_an_error(count: int) -> None:
    with pytest.raises(ValueError, match=f"cannot label {count} of 400 target images"):
        labeled_subset(400, count, seed=0)
