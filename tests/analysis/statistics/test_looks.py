from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from analysis.statistics import looks as module
from analysis.statistics.looks import Look, Looks, levels_of


def crossing(looks: Looks, total: float, studies: int = 60_000) -> np.ndarray:
    """Share of drawn comparisons without any difference that are significant at each look first."""
    differences = np.random.default_rng(1).standard_normal((studies, looks.last))
    first = np.full(studies, -1)
    for number, n in enumerate(looks.seeds):
        p = np.asarray(stats.ttest_1samp(differences[:, :n], 0, axis=1).pvalue)  # pyright: ignore[reportAttributeAccessIssue]
        first[(first < 0) & (p < looks.at(n).level(total))] = number
    return np.bincount(first[first >= 0], minlength=len(looks.seeds)) / studies


@pytest.mark.parametrize("looks", [Looks(3, 12), Looks(2, 5), Looks(3, 8, power=1.0)], ids=str)
def test_the_error_over_all_looks_is_what_was_asked_for_and_is_spent_as_said(looks: Looks) -> None:
    found = crossing(looks, 0.05)
    assert found.sum() == pytest.approx(0.05, abs=0.003)
    spent = 0.05 * (np.array(looks.seeds) / looks.last) ** looks.power
    np.testing.assert_allclose(found.cumsum(), spent, atol=0.003)


def test_adding_seeds_until_p_is_small_errs_far_more_often() -> None:
    differences = np.random.default_rng(1).standard_normal((20_000, 12))
    p = [stats.ttest_1samp(differences[:, :n], 0, axis=1).pvalue for n in range(3, 13)]  # pyright: ignore[reportAttributeAccessIssue]
    assert np.mean(np.min(p, axis=0) < 0.05) == pytest.approx(0.18, abs=0.02)


def test_a_single_look_has_the_usual_level() -> None:
    look = Looks(5, 5).at(5)
    assert look.level(0.05) == pytest.approx(0.05, rel=1e-3)
    assert look.total(0.01) == pytest.approx(0.01, rel=1e-3)


def test_a_normal_deviate_with_two_even_looks_has_the_boundary_of_the_books() -> None:
    """Jennison and Turnbull (1999), two looks that spend evenly: 2.24 and 2.125; with 200 seeds t is normal."""
    first, last = 1 - 0.025 / 2, 2.125
    normals = np.random.default_rng(0).standard_normal((400_000, 2))
    z = normals[:, 0], normals.sum(axis=1) / np.sqrt(2)
    assert np.mean((np.abs(z[0]) > stats.norm.ppf(first)) | (np.abs(z[1]) > last)) == pytest.approx(0.05, abs=0.001)
    levels = levels_of(Looks(100, 101, power=1.0), 0.05)
    assert levels[0] == pytest.approx(0.05 * 100 / 101), "the first look spends its share"


def test_finer_bins_change_nothing_that_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    coarse = levels_of(Looks(3, 10), 0.05)
    monkeypatch.setattr(module, "BINS", 240)
    np.testing.assert_allclose(levels_of.__wrapped__(Looks(3, 10), 0.05), coarse, rtol=0.01)


def test_levels_and_totals_are_each_others_inverse_and_rise() -> None:
    look = Look(Looks(3, 12), 6)
    totals = np.geomspace(2e-5, 0.4, 30)
    levels = [look.level(total) for total in totals]
    assert levels == sorted(levels)
    np.testing.assert_allclose([look.total(level) for level in levels], totals, rtol=1e-6)
    assert all(level < total for level, total in zip(levels, totals, strict=True)), "a look costs something"
    assert (look.total(0.0), look.total(0.9)) == (0.0, 1.0)
    assert 0 < look.total(1e-9) < 1e-5 and np.isnan(look.total(float("nan")))


def test_a_number_of_seeds_without_a_look_is_refused() -> None:
    with pytest.raises(ValueError, match="no look at 13 seeds: the first is at 3, the last at 12"):
        Looks(3, 12).at(13)
