from __future__ import annotations

import numpy as np
import pytest
import torch

from trainables.ass.segmentation import downsample_labels, mean_cross_entropy, segmentation_loss


def interpolate(row: np.ndarray, length: int) -> np.ndarray:
    """Linear interpolation along the last axis between the centres of cells, constant beyond the outermost."""
    centres = (np.arange(length) + 0.5) * row.shape[-1] / length - 0.5
    return np.apply_along_axis(lambda values: np.interp(centres, np.arange(len(values)), values), -1, row)


def upsampled(scores: np.ndarray, height: int, width: int) -> np.ndarray:
    wide = interpolate(scores, width)
    return interpolate(wide.swapaxes(-1, -2), height).swapaxes(-1, -2)


def test_equation_1_is_the_mean_cross_entropy_of_interpolated_scores_over_valid_pixels() -> None:
    rng = np.random.default_rng(1)
    scores = rng.normal(size=(2, 4, 3, 5))
    labels = rng.integers(0, 4, (2, 9, 20))
    labels[rng.random(labels.shape) < 0.3] = 255
    large = upsampled(scores, 9, 20)
    probabilities = np.exp(large) / np.exp(large).sum(1, keepdims=True)
    picked = [
        -np.log(probabilities[n, labels[n, i, j], i, j])
        for n, i, j in np.ndindex(*labels.shape)
        if labels[n, i, j] != 255
    ]
    loss = segmentation_loss(torch.tensor(scores), torch.tensor(labels))
    assert loss.item() == pytest.approx(np.mean(picked), rel=1e-12)


def test_a_batch_without_valid_pixels_has_loss_zero_and_no_gradient() -> None:
    scores = torch.randn(1, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    loss = segmentation_loss(scores, torch.full((1, 8, 8), 255))
    loss.backward()
    assert loss.item() == 0
    assert scores.grad is not None and not scores.grad.any()


def test_ignored_pixels_get_no_gradient() -> None:
    scores = torch.randn(1, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    mean_cross_entropy(scores, torch.tensor([[[0, 255], [2, 1]]])).backward()
    assert scores.grad is not None
    touched = scores.grad.abs().sum(1)[0] > 0
    assert touched.tolist() == [[True, False], [True, True]]


@pytest.mark.parametrize(("size", "cells"), [((8, 16), (2, 4)), ((9, 7), (4, 3)), ((4, 4), (4, 4))])
def test_downsampled_labels_are_those_at_the_centre_of_each_cell(size: tuple[int, int], cells: tuple[int, int]) -> None:
    labels = np.arange(size[0] * size[1]).reshape(1, *size)
    rows = np.floor((np.arange(cells[0]) + 0.5) * size[0] / cells[0]).astype(int)
    columns = np.floor((np.arange(cells[1]) + 0.5) * size[1] / cells[1]).astype(int)
    found = downsample_labels(torch.tensor(labels), cells).numpy()
    np.testing.assert_array_equal(found, labels[:, rows][:, :, columns])
