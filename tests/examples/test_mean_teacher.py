"""The mean teacher of `examples/`: its equations, and a trial that is resumed with the teacher in the checkpoint."""

from __future__ import annotations

import copy
import importlib
from collections.abc import Callable
from typing import Any

import pytest
import torch

from tests.support.packages import Packages
from tests.support.project import PROJECT
from tests.trainables.ass.conftest import configure, one_thread, tiny_folder, tiny_pair  # noqa: F401
from trainables.ass.config import AssConfig
from trainables.ass.trainer import Trainer

FOLDER = PROJECT / "examples" / "mean_teacher"


@pytest.fixture
def module(packages: Packages) -> Any:
    text = (FOLDER / "ass_mean_teacher.py").read_text()
    point = {"mean_teacher": "ass_mean_teacher:MeanTeacher"}
    packages.install("ass-mean-teacher", "ass_tune.adaptors", point, ass_mean_teacher=text)
    return importlib.import_module("ass_mean_teacher")


def config_of(configure: Callable[..., AssConfig], **values: Any) -> AssConfig:  # noqa: F811
    given = {"adaptor": "mean_teacher", "confidence": 0.2, **values}
    return AssConfig.of(configure(adaptor="joint").model_dump() | given)


def test_the_package_declares_what_the_test_installs() -> None:
    assert 'mean_teacher = "ass_mean_teacher:MeanTeacher"' in (FOLDER / "pyproject.toml").read_text()


def test_an_image_is_trusted_by_its_share_of_sure_pixels(module: Any) -> None:
    sure = torch.tensor([[[0.9, 0.5], [0.97, 0.99]], [[0.1, 0.2], [0.3, 0.4]]])
    assert module.trust(sure, 0.95)[:, 0, 0].tolist() == [0.5, 0.0]
    assert module.trust(sure, 0.95).shape == sure.shape


def test_half_of_the_classes_of_an_image_are_pasted_whole(module: Any) -> None:
    labels = torch.tensor([[[0, 0, 1], [2, 2, 3]], [[4, 4, 4], [4, 4, 4]], [[0, 1, 2], [2, 1, 0]]])
    masks = module.class_masks(labels, 3, 7)
    assert torch.equal(masks, module.class_masks(labels, 3, 7))
    assert any(not torch.equal(masks, module.class_masks(labels, 3, other)) for other in range(8, 14))
    for image, mask in zip(labels, masks, strict=True):
        pasted, left = set(image[mask].tolist()), set(image[~mask].tolist())
        assert not pasted & left
        assert len(pasted) == (len(pasted | left) + 1) // 2


def test_what_is_not_pasted_is_of_the_image_before(module: Any) -> None:
    values, mask = torch.tensor([[1, 1], [2, 2], [3, 3]]), torch.tensor([[1, 0], [0, 0], [1, 1]]).bool()
    assert module.paste(values, mask).tolist() == [[1, 3], [1, 1], [3, 3]]


def test_the_teacher_is_the_moving_average_of_the_student(
    module: Any,
    configure: Any,  # noqa: F811
    tiny_pair: Any,  # noqa: F811
) -> None:
    trainer = Trainer(config_of(configure, teacher_decay=0.6), tiny_pair)
    (teacher,) = trainer.model.networks.values()
    expected = [weight.detach().clone() for weight in trainer.model.network.parameters()]
    assert all(torch.equal(a, b) for a, b in zip(teacher.parameters(), expected, strict=True))
    for decay in (0.5, 0.6, 0.6):  # 1 - 1 / (t + 1) at first
        trainer.step()
        pairs = zip(expected, trainer.model.network.parameters(), strict=True)
        expected = [decay * before + (1 - decay) * now.detach() for before, now in pairs]
        for mine, average in zip(teacher.parameters(), expected, strict=True):
            torch.testing.assert_close(mine, average)
    assert trainer.model.discriminators() == {}


@pytest.mark.parametrize("adaptor", ["mean_teacher", "ga+csa+mean_teacher"])
def test_a_trial_is_resumed_bit_for_bit(
    module: Any,
    configure: Any,  # noqa: F811
    tiny_pair: Any,  # noqa: F811
    adaptor: str,
) -> None:
    def numbers(trainer: Trainer, until: int) -> dict[str, float]:
        return {k: v for k, v in trainer.train_until(until).items() if not k.startswith("speed/")}

    config = config_of(configure, adaptor=adaptor)
    undisturbed = Trainer(config, tiny_pair)
    first = numbers(undisturbed, 3)
    assert first["loss/consistency"] > 0 and 0 < first["adaptor/trusted"] <= 1
    resumed = Trainer(config, tiny_pair)
    resumed.load_state_dict(copy.deepcopy(undisturbed.state_dict()))
    assert numbers(resumed, 6) == numbers(undisturbed, 6)


def test_one_image_cannot_be_mixed(module: Any) -> None:
    reason = AssConfig.undefined({"adaptor": "mean_teacher", "unlabeled_batch": 1})
    assert reason == "mean_teacher mixes unlabeled images, and unlabeled_batch is 1"


def test_the_study_of_the_example_is_a_right_file(module: Any) -> None:
    from ass_tune.plan.study_plan import make_plan
    from ass_tune.spec import load

    plan = make_plan(load(FOLDER / "beyond_ass.yaml"), None, measure=False)
    tuned = {cell.cell: cell.tuned for cell in plan.cells}
    assert tuned["adaptor=csa+mean_teacher,labeled_images=5"] == ("lambda_consistency", "lambda_sadv")
    assert tuned["adaptor=joint,labeled_images=20"] == ()
    assert len(plan.cells) == 8
