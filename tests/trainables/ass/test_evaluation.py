from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from trainables.ass.evaluation import confusion, predicted_classes
from trainables.ass.segmentation import upsample

sizes = st.tuples(st.integers(1, 40), st.integers(1, 40))


def draw_scores(seed: int, *shape: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape).astype(np.float32))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**16), st.integers(1, 3), st.integers(1, 20), sizes, sizes, st.booleans())
def test_predicted_classes_are_those_of_the_highest_upsampled_score(
    seed: int, images: int, classes: int, small: tuple[int, int], size: tuple[int, int], whole: bool
) -> None:
    """Scores rounded to whole numbers are often equal, and the first of the equals is the class.

    Upsampled alone, as torch rounds otherwise where it interpolates many channels of small maps at once.
    """
    scores = draw_scores(seed, images, classes, *small)
    scores = scores.round() if whole else scores
    found = predicted_classes(scores, size)
    assert (found.dtype, found.shape) == (torch.uint8, (images, *size))
    upsampled = torch.cat([upsample(of_class, size) for of_class in scores.split(1, dim=1)], dim=1)
    assert torch.equal(found, upsampled.argmax(1))
    chosen = upsample(scores, size).gather(1, found.long()[:, None])[:, 0]
    torch.testing.assert_close(chosen, upsample(scores, size).amax(1), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("small", [(8, 16), (13, 17)])
def test_predicted_classes_of_large_maps_are_those_of_all_classes_upsampled_at_once(small: tuple[int, int]) -> None:
    scores = draw_scores(1, 2, 19, *small)
    assert torch.equal(predicted_classes(scores, (128, 256)), upsample(scores, (128, 256)).argmax(1))


def test_the_layout_of_scores_changes_no_class() -> None:
    scores = draw_scores(0, 2, 19, 9, 17).round()
    found = predicted_classes(scores.contiguous(memory_format=torch.channels_last), (64, 128))
    assert torch.equal(found, predicted_classes(scores, (64, 128)))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_scores_of_half_precision_are_upsampled_in_full(dtype: torch.dtype) -> None:
    scores = draw_scores(0, 2, 19, 8, 16).to(dtype)
    assert torch.equal(predicted_classes(scores, (64, 128)), upsample(scores.float(), (64, 128)).argmax(1))


def test_scores_that_are_not_finite_still_make_classes() -> None:
    scores = draw_scores(0, 1, 4, 4, 4)
    scores[:, :2] = float("nan")
    assert predicted_classes(scores, (8, 8)).max() < 4


def draw_classes(seed: int, shape: tuple[int, ...], classes: int, ignored: float = 0.0) -> Tensor:
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, classes, shape, dtype=np.uint8)
    drawn[rng.random(shape) < ignored] = 255
    return torch.from_numpy(drawn)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**16), st.integers(1, 3), sizes, st.sampled_from([1, 2, 13, 19, 150]), st.sampled_from([0, 0.3, 1])
)
def test_confusions_count_the_pixels_of_each_image_by_truth_and_prediction(
    seed: int, images: int, size: tuple[int, int], classes: int, ignored: float
) -> None:
    truth = draw_classes(seed, (images, *size), classes, ignored)
    prediction = draw_classes(seed + 1, (images, *size), classes)
    expected = np.zeros((images, classes, classes), np.int64)
    for n, i, j in np.ndindex(*truth.shape):
        if truth[n, i, j] != 255:
            expected[n, truth[n, i, j], prediction[n, i, j]] += 1
    for dtype in (torch.uint8, torch.int16, torch.int32, torch.int64):
        found = confusion(truth.to(dtype), prediction.to(dtype), classes)
        assert found.dtype == torch.int64
        np.testing.assert_array_equal(found.numpy(), expected)


def test_confusions_of_maps_that_are_not_contiguous_are_those_of_their_copies() -> None:
    truth, prediction = draw_classes(0, (2, 30, 20), 19, 0.1).mT, draw_classes(1, (20, 2, 30), 19).permute(1, 0, 2)
    expected = confusion(truth.contiguous(), prediction.contiguous(), 19)
    assert torch.equal(confusion(truth, prediction, 19), expected)


def test_counts_exceed_what_half_precision_and_two_bytes_hold() -> None:
    truth = torch.zeros(1, 1024, 2048, dtype=torch.uint8)
    assert confusion(truth, truth, 19)[0, 0, 0] == 2**21


@pytest.mark.parametrize(("truth", "prediction"), [(4, 0), (254, 0), (0, 4), (0, 200), (255, 4)])
def test_a_class_that_is_none_is_refused_and_not_counted_as_another(truth: int, prediction: int) -> None:
    maps = torch.zeros(2, 1, 2, 2, dtype=torch.uint8)
    maps[:, 0, 1, 1] = torch.tensor([truth, prediction])
    with pytest.raises(ValueError, match="other classes than 0 to 3"):
        confusion(*maps, classes=4)


def test_maps_of_unequal_number_or_size_are_refused() -> None:
    truth = draw_classes(0, (2, 4, 4), 3)
    with pytest.raises(ValueError, match="shorter"):
        confusion(truth, truth[:1], 3)
    with pytest.raises(RuntimeError, match="size"):
        confusion(truth, truth[:, :2], 3)
