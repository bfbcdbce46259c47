from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from analysis.statistics.bootstrap import (
    Comparison,
    compare,
    overlaps_of,
    p_value,
    resampled_mious,
    resampled_side,
    times_drawn,
    together,
)
from trainables.ass.metrics import miou

CLASSES = 5


def counts(images: int, right: float, seed: int, runs: int = 2) -> np.ndarray:
    """Confusions of networks that are right on a share of the pixels, of images that are the same for all."""
    rng, of_images = np.random.default_rng(seed), np.random.default_rng(0)
    confusions = np.zeros((runs, images, CLASSES, CLASSES), np.int64)
    for image in range(images):
        pixels = of_images.integers(0, 2000, CLASSES) * (of_images.random(CLASSES) < 0.6)
        for run in range(runs):
            wrong = (1 - right) / (CLASSES - 1)
            for truth, number in enumerate(pixels):
                chance = np.full(CLASSES, wrong)
                chance[truth] = right
                confusions[run, image, truth] = rng.multinomial(number, chance)
    return confusions


def compared(ours: np.ndarray, theirs: np.ndarray, resamples: int, seed: int = 0) -> Comparison:
    return compare(resampled_side(ours, resamples, seed), resampled_side(theirs, resamples, seed))


def test_resampled_mious_are_those_of_the_summed_counts_of_the_drawn_images() -> None:
    confusions, rng = counts(20, 0.8, seed=1), np.random.default_rng(0)
    drawn = rng.integers(20, size=(30, 20))
    fast = resampled_mious(overlaps_of(confusions), times_drawn(drawn, 20))
    slow = [[miou(run[images].sum(0)) for images in drawn] for run in confusions]
    np.testing.assert_allclose(fast, slow, rtol=1e-13)


def test_a_class_that_no_drawn_image_has_is_left_out_of_the_mean() -> None:
    confusions = np.zeros((1, 2, 2, 2), np.int64)
    confusions[0, 0], confusions[0, 1] = [[8, 2], [0, 0]], [[0, 0], [1, 9]]
    both, first = resampled_mious(overlaps_of(confusions), np.array([[1, 1], [2, 0]]))[0]
    assert both == pytest.approx(100 * (8 / 11 + 9 / 12) / 2)
    assert first == pytest.approx(100 * (0.8 + 0) / 2)


def test_the_difference_is_the_mean_over_runs_on_the_images_as_they_are() -> None:
    ours, theirs = counts(40, 0.85, seed=1), counts(40, 0.8, seed=2)
    found = compared(ours, theirs, resamples=500)
    of_runs = [miou(ours[run].sum(0)) - miou(theirs[run].sum(0)) for run in range(2)]
    assert found.difference == pytest.approx(np.mean(of_runs))
    assert found.low < found.difference < found.high
    assert found.p_value == pytest.approx(2 / 501), "none of the resamples is below zero"


def test_the_interval_is_that_of_scipys_own_bootstrap() -> None:
    """Of other draws, so that they agree to the noise of 10 000 resamples."""
    ours, theirs = counts(60, 0.82, seed=1), counts(60, 0.8, seed=2)

    def difference(drawn: np.ndarray) -> float:
        return float(
            np.mean([miou(o[drawn].sum(0)) - miou(t[drawn].sum(0)) for o, t in zip(ours, theirs, strict=True)])
        )

    reference = stats.bootstrap((np.arange(60),), difference, n_resamples=4000, method="BCa", vectorized=False, rng=5)
    found, width = compared(ours, theirs, 10_000), np.ptp(reference.confidence_interval)
    assert (found.low, found.high) == pytest.approx(tuple(reference.confidence_interval), abs=0.07 * width)


def test_runs_of_several_sides_compare_as_one() -> None:
    ours, theirs = counts(20, 0.82, seed=1), counts(20, 0.8, seed=2)
    one, other = (together([resampled_side(run[None], 300) for run in side]) for side in (ours, theirs))
    np.testing.assert_array_equal(compare(one, other).resampled, compared(ours, theirs, 300).resampled)


def test_the_same_seed_draws_the_same_images() -> None:
    ours, theirs = counts(20, 0.82, seed=1), counts(20, 0.8, seed=2)
    one, again, other = (compared(ours, theirs, 200, seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.resampled, again.resampled)
    assert (one.low, one.high) == (again.low, again.high) != (other.low, other.high)


def test_swapped_sides_have_the_opposite_difference() -> None:
    ours, theirs = counts(20, 0.82, seed=1), counts(20, 0.8, seed=2)
    there, back = compared(ours, theirs, 300), compared(theirs, ours, 300)
    np.testing.assert_allclose(there.resampled, -back.resampled)
    assert there.p_value == back.p_value


def test_equal_sides_do_not_differ() -> None:
    ours = counts(10, 0.8, seed=1)
    found = compared(ours, ours, 100)
    assert (found.difference, found.low, found.high, found.p_value) == (0, 0, 0, 1)


def test_other_images_or_runs_cannot_be_paired() -> None:
    with pytest.raises(ValueError, match="cannot be paired"):
        compared(counts(10, 0.8, seed=1), counts(11, 0.8, seed=1), 100)


def test_the_p_value_counts_both_sides() -> None:
    assert p_value(np.array([1.0, 2.0, 3.0, -1.0])) == pytest.approx(2 * 2 / 5)
    assert p_value(np.zeros(9)) == 1


@pytest.mark.slow
def test_intervals_cover_the_true_difference_as_often_as_they_say() -> None:
    """On 600 splits drawn from 20 000 images, whose own difference is the truth."""
    rng, splits = np.random.default_rng(0), 600
    ours, theirs = counts(20_000, 0.81, seed=1, runs=1), counts(20_000, 0.8, seed=2, runs=1)
    truth = miou(ours[0].sum(0)) - miou(theirs[0].sum(0))
    covered = 0
    for number in range(splits):
        split = rng.choice(20_000, size=200, replace=False)
        found = compared(ours[:, split], theirs[:, split], 2000, number)
        covered += found.low <= truth <= found.high
    assert 0.93 <= covered / splits <= 0.97
