from __future__ import annotations

import numpy as np
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from trainables.ass.class_mixing import class_masks, paste, trust


def test_half_of_the_classes_of_an_image_are_pasted_whole() -> None:
    labels = torch.tensor([[[0, 0, 1], [2, 2, 3]], [[4, 4, 4], [4, 4, 4]], [[0, 1, 2], [2, 1, 0]]])
    for iteration in range(20):
        for image, mask in zip(labels, class_masks(labels, 6, 3, iteration), strict=True):
            pasted, left = set(image[mask].tolist()), set(image[~mask].tolist())
            assert not pasted & left
            assert len(pasted) == (len(pasted | left) + 1) // 2


def test_every_class_is_pasted_as_often_as_the_others() -> None:
    labels = torch.tensor([[[1, 2, 4, 5]]])
    masks = torch.stack([class_masks(labels, 6, 3, iteration) for iteration in range(400)])
    np.testing.assert_allclose(masks.float().mean(0).flatten(), 0.5, atol=0.1)


def test_classes_are_drawn_by_seed_iteration_and_place() -> None:
    labels = torch.arange(16).repeat(2, 4, 1)
    first = class_masks(labels, 16, 3, 7)
    assert torch.equal(first, class_masks(labels, 16, 3, 7))
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(first, class_masks(labels, 16, 3, 8))
    assert not torch.equal(first, class_masks(labels, 16, 4, 7))


def test_what_is_not_pasted_is_of_the_image_before() -> None:
    values, mask = torch.tensor([[1, 1], [2, 2], [3, 3]]), torch.tensor([[1, 0], [0, 0], [1, 1]]).bool()
    assert paste(values, mask).tolist() == [[1, 3], [1, 1], [3, 3]]


def test_an_image_is_trusted_by_its_share_of_sure_pixels() -> None:
    sure = torch.tensor([[[0.9, 0.5], [0.97, 0.99]], [[0.1, 0.2], [0.3, 0.4]]])
    assert trust(sure, 0.95)[:, 0, 0].tolist() == [0.5, 0.0]
    assert trust(sure, 0.95).shape == sure.shape


def test_nothing_waits_for_what_is_in_the_tensors() -> None:
    with FakeTensorMode(allow_non_fake_inputs=True):
        labels = torch.zeros(2, 4, 6, dtype=torch.int64)
        assert class_masks(labels, 5, 0, 0).shape == labels.shape
