"""The mean teacher beside what its equations give when they are computed by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from trainables.ass.class_mixing import class_masks
from trainables.ass.config import AssConfig
from trainables.ass.mean_teacher import MeanTeacher, Mixed
from trainables.ass.trainer import Trainer

Configure = Callable[..., AssConfig]


def trainer_of(configure: Configure, pair: Any, **changes: Any) -> Trainer:
    return Trainer(
        configure(**{"adaptor": "mean_teacher", "teacher_confidence": 0.2, "iterations": 20, **changes}), pair
    )


def test_the_teacher_is_the_moving_average_of_the_student(configure: Configure, tiny_pair: Any) -> None:
    trainer = trainer_of(configure, tiny_pair, teacher_decay=0.6)
    teacher, student = trainer.model.networks["teacher"], trainer.model.network
    expected = [weight.detach().clone() for weight in student.parameters()]
    assert all(torch.equal(a, b) for a, b in zip(teacher.parameters(), expected, strict=True))
    for decay in (1 / 2, 0.6, 0.6):  # 1 - 1 / (t + 1) at first
        trainer.step()
        pairs = zip(expected, student.parameters(), strict=True)
        expected = [decay * before + (1 - decay) * now.detach() for before, now in pairs]
        for mine, average in zip(teacher.parameters(), expected, strict=True):
            torch.testing.assert_close(mine, average)
    for mine, theirs in zip(teacher.buffers(), student.buffers(), strict=True):
        assert torch.equal(mine, theirs)


def test_only_its_student_is_descended(configure: Configure, tiny_pair: Any) -> None:
    trainer = trainer_of(configure, tiny_pair)
    trainer.step()
    teacher = trainer.model.networks["teacher"]
    assert all(weight.grad is None and not weight.requires_grad for weight in teacher.parameters())
    assert trainer.model.discriminators() == {}


def test_g_learns_the_teachers_labels_of_images_that_are_mixed_with_them(configure: Configure, tiny_pair: Any) -> None:
    trainer = trainer_of(configure, tiny_pair, normalisation="group")
    trainer.train_until(2)
    trainer.model.before_step(2)
    batch, adaptor = trainer.batches.load(2), trainer.model.adaptors["mean_teacher"]
    assert isinstance(adaptor, MeanTeacher) and batch.unlabeled is not None
    pixels, (teacher, student) = batch.unlabeled.pixels, (adaptor.teacher, trainer.model.network)
    mixed: Mixed = trainer.model(batch).adapted["mean_teacher"]
    size = tuple(pixels.shape[-2:])
    with torch.no_grad():
        maps = F.interpolate(teacher.scores(teacher.features(pixels)), size=size, mode="bilinear").softmax(1)
    sure, labels = maps.max(1)
    masks = class_masks(labels, 4, trainer.config.seed, 2)
    losses = []
    for place in range(2):
        mask, other = masks[place], 1 - place
        image = torch.where(mask, pixels[place], pixels[other])
        label = torch.where(mask, labels[place], labels[other])
        shares = [(sure[n] > 0.2).float().mean() for n in (place, other)]
        scores = student.scores(student.features(image.unsqueeze(0)))
        log = F.interpolate(scores, size=size, mode="bilinear").log_softmax(1)[0]
        right = log.gather(0, label.unsqueeze(0))[0]
        losses.append((-right * torch.where(mask, shares[0], shares[1])).mean())
    found = adaptor.generator_losses(mixed)["consistency"]
    torch.testing.assert_close(found, torch.stack(losses).mean(), rtol=1e-4, atol=1e-6)
    assert trainer.model.metrics(trainer.model(batch))["trusted"] > 0


def test_its_loss_has_its_weight_in_the_objective(configure: Configure, tiny_pair: Any) -> None:
    metrics = trainer_of(configure, tiny_pair, lambda_consistency=0.3).train_until(2)
    segmentation = metrics["loss/seg_source"] + metrics["loss/seg_labeled"]
    assert metrics["loss/consistency"] > 0
    assert metrics["loss/total"] == pytest.approx(segmentation + 0.3 * metrics["loss/consistency"], rel=1e-5)


def test_with_lambda_0_it_trains_as_joint(configure: Configure, tiny_pair: Any) -> None:
    alone = trainer_of(configure, tiny_pair, adaptor="joint").train_until(3)
    beside = trainer_of(configure, tiny_pair, lambda_consistency=0).train_until(3)
    assert beside["loss/seg_source"] == alone["loss/seg_source"]
    assert beside["loss/seg_labeled"] == alone["loss/seg_labeled"]


@pytest.mark.parametrize("adaptor", ["ga+mean_teacher", "csa+mean_teacher", "ga+csa+mean_teacher"])
def test_it_trains_beside_the_papers_adaptors(configure: Configure, tiny_pair: Any, adaptor: str) -> None:
    metrics = trainer_of(configure, tiny_pair, adaptor=adaptor).train_until(2)
    assert metrics["loss/consistency"] > 0
    assert ("loss/gadv" in metrics, "loss/sadv" in metrics) == ("ga" in adaptor, "csa" in adaptor)


def test_alone_it_needs_no_pass_of_the_unmixed_images_through_g(configure: Configure, tiny_pair: Any) -> None:
    def passes(**changes: Any) -> list[int]:
        trainer, seen = trainer_of(configure, tiny_pair, **changes), []
        forward = trainer.model.network.features
        record = lambda images, **how: seen.append(len(images)) or forward(images, **how)  # noqa: E731
        trainer.model.network.features = record  # pyright: ignore[reportAttributeAccessIssue]
        trainer.step()
        return seen

    assert passes() == [4, 2]
    assert passes(adaptor="ga+mean_teacher") == [2, 4, 2]
    assert passes(normalisation="domain", labeled_images=0) == [2, 2, 2]  # the target's statistics follow the first


def test_without_labels_it_has_statistics_of_the_target(configure: Configure, tiny_pair: Any) -> None:
    trainer = trainer_of(configure, tiny_pair, normalisation="domain", labeled_images=0)
    trainer.step()
    first = next(value for name, value in trainer.model.named_buffers() if name.endswith(".mean"))
    assert first[0].any() and first[1].any()


def test_one_image_cannot_be_mixed() -> None:
    reason = AssConfig.undefined({"adaptor": "mean_teacher", "unlabeled_batch": 1})
    assert reason == "mean_teacher mixes unlabeled images, and unlabeled_batch is 1"


def test_where_nothing_is_learnt_from_it_its_settings_have_no_effect() -> None:
    values = {"adaptor": "mean_teacher", "lambda_consistency": 0.0}
    assert {"teacher_decay", "teacher_confidence"} <= AssConfig.inert(values)
