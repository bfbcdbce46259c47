from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from trainables.domains.sampling import labeled_subset


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
