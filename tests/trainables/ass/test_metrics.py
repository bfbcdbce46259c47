from __future__ import annotations

import numpy as np
import pytest

from trainables.ass.metrics import iou_per_class, miou


def test_iou_is_intersection_over_union_in_percent() -> None:
    truth = np.array([0, 0, 0, 1, 1, 2])
    prediction = np.array([0, 0, 1, 1, 2, 2])
    confusion = np.zeros((3, 3), np.int64)
    np.add.at(confusion, (truth, prediction), 1)
    expected = [
        100 * ((truth == k) & (prediction == k)).sum() / ((truth == k) | (prediction == k)).sum() for k in range(3)
    ]
    np.testing.assert_allclose(iou_per_class(confusion), expected)
    assert miou(confusion) == pytest.approx(np.mean(expected))


def test_a_class_in_neither_truth_nor_prediction_is_left_out_of_the_mean() -> None:
    confusion = np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]])
    assert np.isnan(iou_per_class(confusion)).tolist() == [False, False, True]
    assert miou(confusion) == pytest.approx((75 + 80) / 2)


def test_a_class_that_is_only_predicted_counts_as_zero() -> None:
    assert iou_per_class(np.array([[3, 1], [0, 0]]))[1] == 0


def test_nothing_counted_has_no_miou() -> None:
    assert np.isnan(miou(np.zeros((2, 2), np.int64)))
