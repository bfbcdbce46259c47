from __future__ import annotations

import numpy as np
import pytest

from analysis.statistics.image_variance import influences, overlaps_by_unit, overlaps_of, shared_by_images
from trainables.ass.metrics import miou


def counts(images: int, number: int = 0) -> np.ndarray:
    """Confusions (images, 4, 4) of images with different mixtures of classes and different accuracies."""
    rng = np.random.default_rng(number)
    pixels = 1000 * rng.dirichlet(np.ones(4), images)
    right = rng.uniform(0.5, 0.95, (images, 4))
    confusions = (pixels * (1 - right) / 3)[:, :, None] * np.ones(4)
    confusions[:, range(4), range(4)] = pixels * right
    return np.rint(confusions).astype(np.int64)


def variance(pulls: np.ndarray) -> float:
    return float((pulls**2).sum() / len(pulls) / (len(pulls) - 1))


def test_counts_of_a_unit_are_summed() -> None:
    overlaps = overlaps_of(counts(4))
    found = overlaps_by_unit(overlaps, ["b", "a", "b", "a"])
    np.testing.assert_array_equal(found, [overlaps[0] + overlaps[2], overlaps[1] + overlaps[3]])


def test_a_pull_is_what_leaving_the_unit_out_changes() -> None:
    confusions = counts(6)
    found = influences(overlaps_of(confusions))
    without = [miou(np.delete(confusions, unit, axis=0).sum(axis=0)) for unit in range(6)]
    np.testing.assert_allclose(found, 5 * (np.mean(without) - np.array(without)))


def test_the_jackknife_has_the_variance_of_the_bootstrap() -> None:
    confusions = counts(80)
    rng = np.random.default_rng(0)
    resampled = np.array([miou(confusions[rng.integers(80, size=80)].sum(axis=0)) for _ in range(2000)])
    assert variance(influences(overlaps_of(confusions))) == pytest.approx(resampled.var(), rel=0.1)


def test_a_class_that_one_unit_alone_has_is_no_error() -> None:
    confusions = counts(5)
    confusions[1:, 3], confusions[1:, :, 3] = 0, 0
    assert np.isfinite(influences(overlaps_of(confusions))).all()


def test_what_images_do_to_all_seeds_is_found_and_what_they_do_to_one_is_not() -> None:
    rng, common, alone = np.random.default_rng(0), [], []
    for _ in range(400):
        shared = rng.normal(size=(2, 1, 30)) * np.ones((2, 4, 1))
        own = 3 * rng.normal(size=(2, 4, 30))
        common.append(shared_by_images(shared + own).covariance)
        alone.append(shared_by_images(own).covariance)
    # taking negative variances for 0 makes them a little too large
    assert np.mean([np.diag(one) for one in common]) == pytest.approx(1 / 30, rel=0.3)
    assert np.mean([np.diag(one) for one in alone]) < 9 / 30 / 4 / 4


def test_variances_are_not_larger_where_comparisons_outnumber_units() -> None:
    rng = np.random.default_rng(0)
    drawn = [rng.normal(size=(12, 1, 6)) + rng.normal(size=(12, 3, 6)) for _ in range(400)]
    found = [shared_by_images(one).covariance for one in drawn]
    assert np.mean([np.diag(one) for one in found]) == pytest.approx(1 / 6, rel=0.05)
    assert min(np.linalg.eigvalsh(one).min() for one in found) > -1e-9


def test_its_mean_squares_have_the_variance_that_their_degrees_of_freedom_say() -> None:
    rng = np.random.default_rng(0)
    found = [shared_by_images(rng.normal(size=(1, 1, 8)) + 2 * rng.normal(size=(1, 3, 8))) for _ in range(4000)]
    for parts, df in zip(zip(*((one.between, one.within) for one in found), strict=True), (7, 14), strict=True):
        assert np.var(parts) == pytest.approx(2 * np.mean(parts) ** 2 / df, rel=0.1)
    assert [df.item() for df in found[0].df] == [7, 14]
    assert np.mean([one.between - one.within for one in found]) == pytest.approx(1 / 8, rel=0.05)


def test_it_is_the_covariance_of_means_where_seeds_do_not_matter() -> None:
    units = np.random.default_rng(0).normal(size=(3, 1, 40))
    found = shared_by_images(np.repeat(units, 5, axis=1))
    np.testing.assert_allclose(found.covariance, np.cov(units[:, 0]) / 40, atol=1e-12)


def test_a_seed_that_a_comparison_lacks_is_left_out() -> None:
    pulls = np.random.default_rng(0).normal(size=(1, 4, 40)) + np.random.default_rng(1).normal(size=(1, 1, 40))
    with_hole = np.concatenate([pulls, np.full((1, 1, 40), np.nan)], axis=1)
    found, expected = shared_by_images(with_hole), shared_by_images(pulls)
    for name in ("covariance", "between", "within", "df"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name))
