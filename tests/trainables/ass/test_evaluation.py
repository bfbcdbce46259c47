from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from trainables.ass.evaluation import predicted_classes
from trainables.ass.segmentation import upsample

sizes = st.tuples(st.integers(1, 40), st.integers(1, 40))


def draw_scores(seed: int, *shape: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape).astype(np.float32))


@settings(max_examples=60, deadline=None)
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
