"""Winners that pruning lost, estimated from what pruning left, against what the pruned trials would have come to."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from analysis.statistics.lost_winners import chances_of_winning

CELLS, TRIALS, REPORTS, STARTUP = 16, 8, 8, 3
RUNS = 150
JUDGED = (5, 6)
"""Reports at which the pruner acts: from two thirds of training on."""


NOISE = 1.0
"""Of each report, in points."""


def true_curves(rng: np.random.Generator, gains: float) -> np.ndarray:
    """mIoU without noise (cells, trials, reports).

    Cells differ in level and, by `gains`, in what they gain; trials of a cell in quality.
    """
    progress = np.arange(1, REPORTS + 1) / REPORTS
    level = rng.normal(35, 4, (CELLS, 1, 1)) * (1 - np.exp(-3 * progress))
    return level + rng.normal(0, gains, (CELLS, 1, 1)) * progress + rng.normal(0, 1, (CELLS, TRIALS, 1)) * progress


def pruned_by_the_median(whole: np.ndarray) -> np.ndarray:
    """What the median rule leaves: it compares a trial's best report with its cell's earlier trials at the same one."""
    seen = whole.copy()
    for cell in seen:
        for number, curve in enumerate(cell):
            if np.isfinite(cell[:number, -1]).sum() < STARTUP:
                continue
            for at in JUDGED:
                if curve[: at + 1].max() < np.nanmedian(cell[:number, at]):
                    curve[at + 1 :] = math.nan
                    break
    return seen


def test_finished_trials_have_no_chance_and_cells_without_one_none_either() -> None:
    curves = np.array([[1.0, 2.0, 3.0 + 0.1 * number] for number in range(20)] + [[1.0, 2.0, math.nan]] * 2)
    found = chances_of_winning(curves, np.array([0] * 21 + [1]))
    assert np.isnan(found[:20]).all()
    assert 0 < found[20] < 0.2
    assert math.isnan(found[21]), "its cell has no finished trial"
    assert np.isnan(chances_of_winning(curves[10:], np.array([0] * 12))).all(), "too few took the step"
    np.testing.assert_array_equal(found, chances_of_winning(curves, np.array([0] * 21 + [1])))


@pytest.mark.slow
@pytest.mark.parametrize("gains", [0.0, 1.5], ids=["cells gain alike", "cells gain differently"])
def test_the_estimate_is_that_of_winners_that_were_lost(gains: float) -> None:
    """Over 150 studies; what a pruned trial would have come to is known up to the noise of its last report.

    The gains of the finished trials, taken as they are, give about a sixth less.
    """
    rng, lost, estimated = np.random.default_rng(0), 0.0, 0.0
    cells = np.repeat(np.arange(CELLS), TRIALS)
    for _ in range(RUNS):
        true = true_curves(rng, gains)
        seen = pruned_by_the_median(true + rng.normal(0, NOISE, true.shape))
        best = np.nanmax(seen[:, :, -1], axis=1, keepdims=True)
        lost += float(stats.norm.sf(best - true[:, :, -1], scale=NOISE)[np.isnan(seen[:, :, -1])].sum())
        estimated += float(np.nansum(chances_of_winning(seen.reshape(-1, REPORTS), cells)))
    assert estimated == pytest.approx(lost, rel=0.05)
