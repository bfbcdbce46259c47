"""The adaptor of `examples/`: its equation, its resume, and its study beside the shipped adaptors."""

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

FOLDER = PROJECT / "examples" / "pseudo_labels"


@pytest.fixture
def module(packages: Packages) -> Any:
    text = (FOLDER / "ass_pseudo_labels.py").read_text()
    point = {"pseudo_labels": "ass_pseudo_labels:PseudoLabels"}
    packages.install("ass-pseudo-labels", "ass_tune.adaptors", point, ass_pseudo_labels=text)
    return importlib.import_module("ass_pseudo_labels")


def test_the_package_declares_what_the_test_installs() -> None:
    assert 'pseudo_labels = "ass_pseudo_labels:PseudoLabels"' in (FOLDER / "pyproject.toml").read_text()


def test_a_pixel_gets_a_class_where_g_is_sure_of_it(module: Any) -> None:
    scores = torch.tensor([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4], [0.05, 0.9, 0.05]]).log().T.reshape(1, 3, 1, 3)
    assert module.pseudo_labels(scores, 0.6).tolist() == [[[0, 255, 1]]]
    assert module.pseudo_labels(scores, 0.8).tolist() == [[[255, 255, 1]]]


@pytest.mark.parametrize("adaptor", ["pseudo_labels", "csa+mean_teacher+pseudo_labels"])
def test_a_trial_is_resumed_bit_for_bit(
    module: Any,
    configure: Callable[..., AssConfig],  # noqa: F811
    tiny_pair: Any,  # noqa: F811
    adaptor: str,
) -> None:
    def numbers(trainer: Trainer, until: int) -> dict[str, float]:
        return {k: v for k, v in trainer.train_until(until).items() if not k.startswith("speed/")}

    config = AssConfig.of(configure(adaptor="joint").model_dump() | {"adaptor": adaptor, "certainty": 0.3})
    undisturbed = Trainer(config, tiny_pair)
    first = numbers(undisturbed, 3)
    assert first["loss/pseudo"] > 0 and 0 < first["adaptor/pseudo_labeled"] <= 1
    resumed = Trainer(config, tiny_pair)
    resumed.load_state_dict(copy.deepcopy(undisturbed.state_dict()))
    assert numbers(resumed, 6) == numbers(undisturbed, 6)


def test_the_study_of_the_example_is_a_right_file(module: Any) -> None:
    from ass_tune.plan.study_plan import make_plan
    from ass_tune.spec import load

    plan = make_plan(load(FOLDER / "pseudo_labels.yaml"), None, measure=False)
    assert {cell.cell.split(",")[0]: cell.tuned for cell in plan.cells} == {
        "adaptor=joint": (),
        "adaptor=mean_teacher": ("lambda_consistency",),
        "adaptor=pseudo_labels": ("lambda_pseudo",),
    }
