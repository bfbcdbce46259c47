from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from trainables.ass.adaptation import PAPER, adaptation
from trainables.ass.batches import Batch, Batches
from trainables.ass.config import AssConfig
from trainables.ass.trainer import Trainer
from trainables.domains.sampling import batch_indices, crop_offsets, flips

Configure = Callable[..., AssConfig]
CPU = torch.device("cpu")


class UntouchableSource:
    """A pair whose source raises on any access."""

    def __init__(self, pair: Any) -> None:
        self._pair = pair

    def __getattr__(self, name: str) -> Any:
        if name == "source":
            raise AssertionError("the source was read")
        return getattr(self._pair, name)


def load(config: AssConfig, pair: Any, iteration: int) -> Batch:
    return Batches(config, pair, CPU).load(iteration)


def same(one: Any, other: Any) -> bool:
    parts = vars(one)
    return parts.keys() == vars(other).keys() and all(torch.equal(parts[name], vars(other)[name]) for name in parts)


@pytest.mark.parametrize("adaptor", [*PAPER, "mean_teacher"])
def test_adaptors_see_the_same_images_in_the_same_order(configure: Configure, tiny_pair: Any, adaptor: str) -> None:
    whole = configure(adaptor="ga+csa")
    for iteration in (0, 5):
        expected = load(whole, tiny_pair, iteration)
        found = load(configure(adaptor=adaptor), tiny_pair, iteration)
        for kind in ("source", "labeled", "unlabeled"):
            images = getattr(found, kind)
            assert images is None or same(images, getattr(expected, kind))
        assert (found.source is not None) == adaptation(adaptor).source
        assert (found.unlabeled is not None) == adaptation(adaptor).unlabeled


def test_oracle_never_reads_a_source_image(configure: Configure, tiny_pair: Any) -> None:
    pair: Any = UntouchableSource(tiny_pair)
    with pytest.raises(AssertionError, match="the source was read"):
        Trainer(configure(adaptor="joint"), pair).train_until(1)
    trainer = Trainer(configure(adaptor="oracle"), pair)
    assert "loss/seg_labeled" in trainer.train_until(2)
    assert trainer.evaluate(tiny_pair.target_select).sum() > 0


def test_without_labeled_images_joint_is_source_only(configure: Configure, tiny_pair: Any) -> None:
    batch = load(configure(adaptor="joint", labeled_images=0), tiny_pair, 0)
    assert batch.source is not None and batch.labeled is None and batch.unlabeled is None


def test_no_label_comes_with_an_unlabeled_image(configure: Configure, tiny_pair: Any) -> None:
    tiny_pair.target_train = replace(tiny_pair.target_train, labels=None)
    batch = load(configure(adaptor="ga", labeled_images=0), tiny_pair, 0)
    assert batch.source is not None and batch.unlabeled is not None
    assert not hasattr(batch.unlabeled, "labels")


def test_only_the_labeled_subset_is_drawn_from(configure: Configure, tiny_pair: Any) -> None:
    batches = Batches(configure(labeled_images=2, flip=False), tiny_pair, CPU)
    subset = {tiny_pair.target_train.labels[index].tobytes() for index in batches.labeled}
    seen = set()
    for iteration in range(6):
        labeled = batches.load(iteration).labeled
        assert labeled is not None
        seen |= {label.astype(np.uint8).tobytes() for label in labeled.labels.numpy()}
    assert len(subset) == 2
    assert seen == subset


def test_the_subset_seed_draws_the_labeled_images_apart_from_the_trials_seed(
    configure: Configure, tiny_pair: Any
) -> None:
    def subset(**changes: Any) -> list[int]:
        return Batches(configure(**changes), tiny_pair, CPU).labeled.tolist()

    assert subset(seed=0, subset_seed=5) == subset(seed=1, subset_seed=5) == subset(seed=5)
    assert len({tuple(subset(seed=seed)) for seed in range(5)}) > 1


def test_source_images_wider_than_the_targets_are_cropped_in_one_piece_with_their_labels(
    configure: Configure, tiny_pair: Any
) -> None:
    source = load(configure(flip=False, source_batch=5), tiny_pair, 0).source
    assert source is not None and source.labels.shape == (5, 16, 24)
    offsets = set()
    for pixels, labels in zip(source.pixels.permute(0, 2, 3, 1).numpy(), source.labels.numpy(), strict=True):
        whole = zip(tiny_pair.source.images, tiny_pair.source.labels, strict=True)
        offsets |= {
            o
            for i, y in whole
            for o in range(9)
            if np.array_equal(i[:, o : o + 24], pixels) and np.array_equal(y[:, o : o + 24], labels)
        }
    assert len(offsets) > 1


def test_images_of_another_height_are_not_cropped(configure: Configure, tall_source_pair: Any) -> None:
    source = load(configure(), tall_source_pair, 0).source
    assert source is not None and source.pixels.shape[-2:] == (32, 32)


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("iteration", [0, 3, 11])
def test_a_batch_is_what_drawing_cropping_and_mirroring_one_by_one_gives(
    configure: Configure, tiny_pair: Any, iteration: int, channels_last: bool
) -> None:
    config = configure(channels_last=channels_last, source_batch=5)
    found = load(config, tiny_pair, iteration).source
    indices = batch_indices(config.seed, "source", iteration, len(tiny_pair.source), 5)
    offsets = crop_offsets(config.seed, "source", iteration, 5, room=8)
    pixels, labels = [], []
    for index, offset, mirror in zip(indices, offsets, flips(config.seed, "source", iteration, 5), strict=True):
        step = -1 if mirror else 1
        pixels.append(tiny_pair.source.images[index][:, offset : offset + 24][:, ::step])
        labels.append(tiny_pair.source.labels[index][:, offset : offset + 24][:, ::step])
    expected = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2)
    assert found is not None
    assert torch.equal(found.pixels, expected)
    assert torch.equal(found.labels, torch.from_numpy(np.stack(labels)).long())
    assert found.pixels.stride() == (expected if channels_last else expected.contiguous()).stride()
    assert (found.pixels.dtype, found.labels.dtype) == (torch.uint8, torch.int64)


@pytest.mark.parametrize("channels_last", [False, True])
def test_a_batch_for_another_device_has_the_form_of_one_for_this(
    configure: Configure, tiny_pair: Any, channels_last: bool
) -> None:
    config = configure(channels_last=channels_last)
    here, elsewhere = (Batches(config, tiny_pair, torch.device(name)).load(0).source for name in ("cpu", "meta"))
    assert here is not None and elsewhere is not None
    for one, other in ((here.pixels, elsewhere.pixels), (here.labels, elsewhere.labels)):
        assert other.device.type == "meta"
        assert (one.shape, one.dtype, one.stride()) == (other.shape, other.dtype, other.stride())


def test_about_half_of_the_images_are_mirrored_unless_flip_is_off(configure: Configure, tiny_pair: Any) -> None:
    def mirrored(flip: bool) -> float:
        shares = []
        for iteration in range(30):
            plain = load(configure(flip=False), tiny_pair, iteration).unlabeled
            found = load(configure(flip=flip), tiny_pair, iteration).unlabeled
            assert plain is not None and found is not None
            shares += [not torch.equal(a, b) for a, b in zip(plain.pixels, found.pixels, strict=True)]
        return float(np.mean(shares))

    assert mirrored(flip=False) == 0
    assert 0.3 < mirrored(flip=True) < 0.7
