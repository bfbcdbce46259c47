from __future__ import annotations

import numpy as np
import pytest

from analysis.statistics.blocks import LOUD, own_and_others, residual_squares, variances


def drawn(cells: int, seeds: int, number: int = 0, deviations: float | list[float] = 1.0) -> np.ndarray:
    """Cells of different means, whose seeds have much luck in common."""
    rng = np.random.default_rng(number)
    luck = 5 * rng.normal(size=seeds)
    residual = np.broadcast_to(deviations, cells)[:, None] * rng.normal(size=(cells, seeds))
    return 40 + np.arange(cells)[:, None] + luck + residual


def test_what_a_cell_and_a_seed_add_leaves_no_residual() -> None:
    mious = np.arange(4.0)[:, None] + np.array([0.0, 3.0, -2.0])
    found = residual_squares(mious)
    assert found.total == pytest.approx(0) and found.df == 6


def test_two_cells_have_half_the_variance_of_their_difference() -> None:
    mious = drawn(2, 5)
    found = residual_squares(mious)
    assert found.df == 4
    assert 2 * found.variance == pytest.approx(np.var(mious[1] - mious[0], ddof=1))


def test_missing_runs_take_away_their_degrees_of_freedom() -> None:
    mious = drawn(4, 5)
    whole = residual_squares(mious)
    mious[1, 0] = np.nan
    assert residual_squares(mious).df == whole.df - 1
    mious[:, 4] = np.nan
    without_seed = residual_squares(mious)
    assert without_seed.df == residual_squares(mious[:, :4]).df
    assert without_seed.total == pytest.approx(residual_squares(mious[:, :4]).total)


def test_seeds_that_only_one_cell_has_say_nothing() -> None:
    mious = np.array([[1.0, 2.0, np.nan], [np.nan, np.nan, 4.0]])
    assert residual_squares(mious).df == 0
    assert variances(mious, ["", ""], [False, False]) == [None, None]


def test_alike_cells_share_one_estimate() -> None:
    mious = drawn(6, 10, 1)
    found = variances(mious, [""] * 6, [False] * 6)
    assert len(set(found)) == 1
    assert found[0] is not None and found[0].variance == pytest.approx(residual_squares(mious).variance)


def test_a_cell_that_spreads_more_keeps_its_own_variance() -> None:
    own = []
    for number in range(200):
        *others, loud = variances(drawn(6, 10, number, [1, 1, 1, 1, 1, 4]), [""] * 6, [False] * 6)
        if loud is not None and loud not in others:
            assert loud.df == 9
            own.append(loud.variance)
    assert len(own) > 190 and np.mean(own) == pytest.approx(16, rel=0.1)


def test_a_cell_that_spreads_much_more_is_not_in_the_pool() -> None:
    mious = drawn(6, 10, deviations=[1, 1, 1, 1, 1, 20])
    first, *_ = variances(mious, [""] * 6, [False] * 6)
    assert first is not None and first.variance == pytest.approx(residual_squares(mious[:5]).variance)


def test_a_shared_cell_keeps_its_own_variance_only_where_it_is_the_larger_one() -> None:
    kept = 0
    for number in range(60):
        mious = drawn(5, 4, number)
        shared, other = variances(mious, [""] * 5, [True, *[False] * 4])[:2]
        own, others = own_and_others(mious)[0]
        assert (shared is not other) == (own.variance > others.variance) or other is None or other.df < 10
        kept += shared is not other
    assert 15 < kept < 45


def test_its_own_variance_is_never_less_than_the_pooled_one() -> None:
    for number in range(50):
        shared, *others = variances(drawn(5, 3, number), [""] * 5, [True, *[False] * 4])
        pooled = min(one.variance for one in others if one is not None)
        assert shared is not None and shared.variance >= pooled - 1e-12


def test_budgets_pool_where_they_look_alike_and_a_loud_one_keeps_its_own() -> None:
    quiet, budgets = drawn(8, 10, 1), ["5"] * 4 + ["20"] * 4
    alike = variances(quiet, budgets, [False] * 8)
    assert len(set(alike)) == 1 and alike[0] is not None
    squares = [residual_squares(quiet[rows]) for rows in (slice(4), slice(4, 8))]
    assert alike[0].variance == pytest.approx((squares[0] + squares[1]).variance)
    loud = quiet.copy()
    loud[:4] = drawn(4, 10, 1, 2 * LOUD**0.5)
    assert not set(variances(loud, budgets, [False] * 8)[:4]) & set(variances(loud, budgets, [False] * 8)[4:])
