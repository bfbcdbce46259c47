"""`finetune`: source images first, then labeled target images; half of the 6 iterations each."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch

from trainables.ass.batches import Batches
from trainables.ass.config import AssConfig
from trainables.ass.outputs import Images
from trainables.ass.trainer import Trainer

Configure = Callable[..., AssConfig]


def test_each_iteration_sees_one_domain_and_of_it_what_joint_sees(configure: Configure, tiny_pair: Any) -> None:
    finetune, joint = (
        Batches(configure(adaptor=adaptor, source_share=0.4, iterations=10), tiny_pair, torch.device("cpu"))
        for adaptor in ("finetune", "joint")
    )
    for iteration in range(10):
        found, both = finetune.load(iteration), joint.load(iteration)
        kind, other = ("source", "labeled") if iteration < 4 else ("labeled", "source")
        images: Images = getattr(found, kind)
        assert torch.equal(images.pixels, getattr(both, kind).pixels)
        assert torch.equal(images.labels, getattr(both, kind).labels)
        assert getattr(found, other) is None and found.unlabeled is None
        assert finetune.images_in(iteration) == 2 and joint.images_in(iteration) == 4


@pytest.mark.parametrize(("share", "iterations"), [(0.5, 3), (0.01, 0), (0.99, 6), (0.25, 2)])
def test_the_share_is_rounded_to_iterations(configure: Configure, share: float, iterations: int) -> None:
    assert configure(adaptor="finetune", source_share=share).source_iterations == iterations


def test_the_first_part_trains_as_the_source_alone(configure: Configure, tiny_pair: Any) -> None:
    alone = Trainer(configure(adaptor="joint", labeled_images=0), tiny_pair)
    first = Trainer(configure(adaptor="finetune"), tiny_pair)
    assert first.train_until(3)["loss/seg_source"] == alone.train_until(3)["loss/seg_source"]
    for mine, theirs in zip(first.model.parameters(), alone.model.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_losses_are_averaged_over_the_iterations_that_have_them(configure: Configure, tiny_pair: Any) -> None:
    single, whole = (Trainer(configure(adaptor="finetune"), tiny_pair) for _ in range(2))
    steps = [single.train_until(iteration) for iteration in range(1, 7)]
    assert [{"loss/seg_source", "loss/seg_labeled"} & step.keys() for step in steps] == (
        3 * [{"loss/seg_source"}] + 3 * [{"loss/seg_labeled"}]
    )
    found = whole.train_until(6)
    for name, at in (("seg_source", steps[:3]), ("seg_labeled", steps[3:])):
        assert found[f"loss/{name}"] == pytest.approx(sum(step[f"loss/{name}"] for step in at) / 3)
    assert found["loss/total"] == pytest.approx(sum(step["loss/total"] for step in steps) / 6)


def test_one_schedule_of_learning_rates_runs_over_both_parts(configure: Configure, tiny_pair: Any) -> None:
    trainer = Trainer(configure(adaptor="finetune", warmup=2), tiny_pair)
    rates = [trainer.train_until(iteration)["lr/backbone"] for iteration in range(1, 7)]
    lr = trainer.config.lr
    assert rates == pytest.approx([lr * min(1, (k + 1) / 2) * (1 - k / 6) ** 0.9 for k in range(6)])


def test_a_trial_is_resumed_bit_for_bit_across_the_switch(configure: Configure, tiny_pair: Any) -> None:
    def numbers(trainer: Trainer, until: int) -> dict[str, float]:
        return {k: v for k, v in trainer.train_until(until).items() if not k.startswith("speed/")}

    undisturbed = Trainer(configure(adaptor="finetune"), tiny_pair)
    expected = numbers(undisturbed, 6)
    for saved_after in range(1, 6):
        interrupted, resumed = (Trainer(configure(adaptor="finetune"), tiny_pair) for _ in range(2))
        interrupted.model.train()
        for _ in range(saved_after):
            interrupted.step()
        resumed.load_state_dict(copy.deepcopy(interrupted.state_dict()))
        assert numbers(resumed, 6) == expected
    assert torch.equal(next(resumed.model.parameters()), next(undisturbed.model.parameters()))
