"""How likely a trial that was pruned would have become the best of its cell.

Pruned trials are those that were behind, partly by bad luck, and such trials catch up more than those that were ahead.
The gains of the trials that finished, taken as they are, are therefore too small for them. Here each step from one
report to the next is a regression on the trials that took it, and a pruned trial's curve is continued by draws from
these regressions: a monotone missing pattern, imputed step by step (Rubin, Multiple Imputation for Nonresponse in
Surveys, 1987, section 5.4). That is unbiased as long as pruning decides by what was reported, which is all it sees.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

DRAWS = 500
"""Continuations of each pruned curve."""
FEWEST = 5
"""Trials that took a step, for each of its coefficients, or it is not estimated."""


def chances_of_winning(curves: np.ndarray, cells: np.ndarray, seed: int = 0) -> np.ndarray:
    """For each trial the chance that it would have ended above the best finished trial of its cell.

    Args:
        curves: mIoU (trials, reports); NaN after a trial was pruned.
        cells: the number of each trial's cell (trials,).
        seed: of the draws.

    Returns:
        (trials,); NaN for finished trials, and where a cell has no finished trial or too few trials took a step.
    """
    rng = np.random.default_rng(seed)
    names, place = np.unique(cells, return_inverse=True)
    members = [place == number for number in range(len(names))]
    pruned = np.isnan(curves[:, -1])
    continued = np.repeat(curves[:, None], DRAWS, axis=1)
    for at in range(curves.shape[1] - 1):
        missing = np.isnan(curves[:, at + 1])
        if missing.any():
            history = continued[:, :, : at + 1]
            levels = np.array([history[one].mean(axis=(0, 1)) for one in members])
            predictors = _predictors(history, levels[place][:, None])
            gains = curves[~missing, at + 1] - curves[~missing, at]
            step = _fitted(predictors[~missing, 0], gains, place[~missing], len(names))
            drawn = predictors[missing] @ step.coefficients + step.cells[place[missing]][:, None]
            drawn += rng.choice(step.left, drawn.shape)
            continued[missing, :, at + 1] = history[missing, :, -1] + drawn
    best = np.array([_highest(curves[one, -1]) for one in members])[place]
    chances = (continued[:, :, -1] > best[:, None]).mean(axis=1)
    known = pruned & ~np.isnan(continued[:, :, -1]).any(axis=1) & ~np.isnan(best)
    return np.where(known, chances, math.nan)


@dataclass(frozen=True)
class _Step:
    """How much trials gain from one report to the next.

    Attributes:
        coefficients: of `_predictors`; NaN where too few trials took the step.
        cells: what each cell's trials gain beyond that.
        left: residuals (trials,), as widely spread as those of new trials.
    """

    coefficients: np.ndarray
    cells: np.ndarray
    left: np.ndarray


def _predictors(history: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """What a gain is predicted by (..., 4): the last report, the mean of all so far, and the highest.

    All are relative to the mean of the cell, whose trials differ by quality and luck: the mean tells the two apart,
    and the highest is what pruners look at.
    """
    above = history - levels
    highest = history.max(axis=-1) - levels[..., -1]
    return np.stack([np.ones_like(highest), above[..., -1], above.mean(axis=-1), highest], axis=-1)


def _fitted(predictors: np.ndarray, gains: np.ndarray, place: np.ndarray, cells: int) -> _Step:
    """By least squares over all cells, then each cell's mean residual, shrunk as far as chance explains it."""
    terms = predictors.shape[1]
    if len(gains) < FEWEST * terms:
        return _Step(np.full(terms, math.nan), np.zeros(cells), np.array([math.nan]))
    coefficients = np.linalg.lstsq(predictors, gains, rcond=None)[0]
    left = gains - predictors @ coefficients
    of_cells = _shrunk_means(left, place, cells)
    left = left - of_cells[place]
    return _Step(coefficients, of_cells, (left - left.mean()) * math.sqrt(len(gains) / (len(gains) - terms)))


def _shrunk_means(values: np.ndarray, place: np.ndarray, cells: int) -> np.ndarray:
    """Means of groups as a random effect predicts them; its variance by moments (analysis of variance)."""
    sizes = np.bincount(place, minlength=cells)
    means = np.bincount(place, values, minlength=cells) / np.maximum(sizes, 1)
    groups, total = int((sizes > 0).sum()), len(values)
    if groups < 2 or total <= groups:
        return np.zeros(cells)
    within = float(((values - means[place]) ** 2).sum()) / (total - groups)
    between = float((sizes * means**2).sum()) - within * (groups - 1)
    variance = max(0.0, between) / (total - float((sizes**2).sum()) / total)
    return means * sizes * variance / (sizes * variance + within) if variance > 0 else np.zeros(cells)


def _highest(mious: np.ndarray) -> float:
    return float(np.nanmax(mious)) if not np.isnan(mious).all() else math.nan
