from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import evaluate
from benchmarks.command_line import run
from benchmarks.label_maps import drawn_truths, erring, real_truths
from trainables.ass.metrics import miou
from trainables.domains.classes import IGNORE

CLASSES = evaluate.CLASSES


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    return drawn_truths(1)[0]


def test_drawn_label_maps_look_like_real_ones(truth: np.ndarray) -> None:
    assert (truth.shape, truth.dtype) == ((1024, 2048), np.uint8)
    assert 0.03 < (truth == IGNORE).mean() < 0.25
    assert set(np.unique(truth)) - {IGNORE} <= set(range(CLASSES))
    beside = (truth[:, 1:] != truth[:, :-1]).mean()
    assert 0.001 < beside < 0.05, "regions, with borders between them"


def test_erring_predictions_are_classes_and_mostly_right(truth: np.ndarray) -> None:
    prediction = erring(truth, 0)
    valid = truth != IGNORE
    assert prediction.max() < CLASSES
    assert 0.7 < (prediction == truth)[valid].mean() < 0.95
    np.testing.assert_array_equal(prediction, erring(truth, 0))


def test_real_label_maps_are_train_ids(data_root: Path) -> None:
    if not (data_root / "cityscapes_sample").is_dir():
        pytest.skip("no cityscapes_sample beside the other data")
    truths = real_truths(data_root)
    assert len(truths) == 8
    assert all(set(np.unique(truth)) <= {*range(CLASSES), IGNORE} for truth in truths)


def test_all_ways_find_the_miou_of_the_counts(truth: np.ndarray) -> None:
    pairs = [(truth[:256, :512], erring(truth, 0)[:256, :512]), (truth[256:512, :512], truth[:256, :512] % CLASSES)]
    timings, means = evaluate.compare(pairs, images=2, rounds=1)
    counts = np.zeros((CLASSES, CLASSES), np.int64)
    for of, predicted in pairs:
        np.add.at(counts, (of[of != IGNORE], predicted[of != IGNORE]), 1)
    assert timings.keys() == means.keys() and len(means) == 6
    assert list(means.values()) == pytest.approx([miou(counts)] * 6, rel=1e-6)


def test_ways_that_differ_are_no_comparison(truth: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate.NumpyHistogram, "iou", lambda self: np.full(CLASSES, 50.0))
    with pytest.raises(AssertionError, match="numpy histogram"):
        evaluate.compare([(truth[:64, :64], erring(truth, 0)[:64, :64])], images=1, rounds=1)


def test_the_benchmark_writes_the_ratios(truth: np.ndarray, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(evaluate, "SIZE", (256, 128))
    monkeypatch.setattr(evaluate, "data_root", lambda: None)
    monkeypatch.setattr(evaluate, "drawn_truths", lambda count: [truth[:128, :256]])
    assert run("evaluate", None, evaluate.measure, ["--quick", "--json", str(tmp_path / "figures.json")]) == 0
    figures = json.loads((tmp_path / "figures.json").read_text())["figures"]
    assert set(figures) == {"torchmetrics_ratio", "numpy_ratio", "class_maps_ratio"}
    assert min(figures.values()) > 0
