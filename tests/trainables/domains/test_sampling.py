from __future__ import annotations

import numpy as np
import pytest

from trainables.domains.sampling import batch_indices, crop_offsets, flips, stream


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
