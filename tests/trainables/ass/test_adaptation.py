"""Values of `adaptor`: the paper's, combinations, and adaptors of installed packages."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from ass_tune.search.identity import trial_key
from tests.support.examples import EXAMPLES
from tests.support.packages import Packages
from trainables.ass.adaptation import PAPER, adaptation, is_known, known
from trainables.ass.config import AssConfig
from trainables.ass.mean_teacher import MeanTeacher
from trainables.ass.trainer import Trainer
from trainables.extensions import BrokenExtension

Configure = Callable[..., AssConfig]
GROUP = "ass_tune.adaptors"
ENTROPY = EXAMPLES["entropy/ass_entropy.py"]
TEACHER = """
import copy
from trainables.ass.adaptor import Adaptor

class Teacher(Adaptor):
    UNLABELED = "with gradient"
    FIELDS = frozenset({"lambda_gadv", "lr_gd"})

    @classmethod
    def lambdas(cls, config): return {"consistency": config.lambda_gadv, "head": 1.0}
    @classmethod
    def rates(cls, config): return {"head": config.lr_gd}

    def networks(self):
        from torch import nn
        self.teacher = copy.deepcopy(self.network).requires_grad_(False)
        self.head = self.drawn("head", lambda: nn.Conv2d(self.classes, 1, 1))
        return {"teacher": self.teacher, "head": self.head}
    def on_unlabeled(self, outputs): return outputs.scores
    def adapt(self, source, labeled, unlabeled): return unlabeled
    def generator_losses(self, adapted): return {"consistency": adapted.square().mean()}
    def discriminator_losses(self, adapted): return {"head": self.head(adapted.detach()).square().mean()}, {}
    def after_step(self):
        for mine, theirs in zip(self.teacher.parameters(), self.network.parameters()):
            mine.data.lerp_(theirs.data, 0.1)
"""


def install(packages: Packages, **adaptors: tuple[str, str]) -> None:
    """Each as a package of its own: the path of its class, and the text of its module."""
    for name, (path, text) in adaptors.items():
        packages.install(f"ass-{name}", GROUP, {name: path}, **{path.partition(":")[0]: text})


@pytest.fixture
def entropy(packages: Packages) -> None:
    install(packages, entropy=("ass_entropy:Entropy", ENTROPY))


def test_without_packages_the_values_are_those_of_the_paper_and_their_rivals() -> None:
    beside = ("ga", "fcsa", "csa", "ga+fcsa", "ga+csa")
    assert known() == [*PAPER, "finetune", "mean_teacher", *(f"{ours}+mean_teacher" for ours in beside)]
    assert all(is_known(value) for value in known())
    wrong = ("", "GA", "csa+ga", "ga+ga", "joint+ga", "ga+", "entropy", "mean_teacher+ga", "finetune+ga")
    assert not any(map(is_known, wrong))


def test_a_package_cannot_take_the_place_of_one_of_ours(packages: Packages) -> None:
    install(packages, mean_teacher=("bad:Bad", "raise RuntimeError('boom')"), entropy=("ass_entropy:Entropy", ENTROPY))
    assert adaptation("mean_teacher").adaptors == {"mean_teacher": MeanTeacher}
    assert is_known("csa+mean_teacher+entropy") and not is_known("entropy+mean_teacher")


@pytest.mark.parametrize("value", ["gaa", 3, None])
def test_an_unknown_value_is_told_which_there_are(configure: Configure, value: Any) -> None:
    with pytest.raises(
        ValidationError, match=r"'oracle', 'joint', 'ga', .*, 'finetune', .* or 'ga\+csa\+mean_teacher'"
    ):
        configure(adaptor=value)


def test_two_forms_of_one_module_are_no_combination(configure: Configure) -> None:
    reason = AssConfig.undefined({"adaptor": "fcsa+csa", "labeled_images": 5})
    assert reason == "fcsa and csa are two forms of one module: both set lambda_sadv"


@pytest.mark.usefixtures("entropy")
def test_an_adaptor_of_a_package_brings_its_own_settings_where_it_is_used() -> None:
    assert AssConfig.extended({"adaptor": PAPER}) is AssConfig
    extended = AssConfig.extended({"adaptor": ["joint", "ga+entropy"]})
    assert set(extended.tunable()) == {*AssConfig.tunable(), "lambda_entropy"}
    assert "lambda_entropy" in extended.inert({"adaptor": "joint"})
    inert = extended.inert({"adaptor": "entropy"})
    assert "lambda_gadv" in inert and "lambda_entropy" not in inert and "unlabeled_batch" not in inert


@pytest.mark.usefixtures("entropy")
def test_trials_without_it_are_what_they_are_without_the_package(configure: Configure) -> None:
    joint = configure(adaptor="joint", domains="streets")
    extended = AssConfig.extended({"adaptor": ["joint", "entropy"]})
    again = extended.of({**joint.model_dump(), "lambda_entropy": 0.3})
    assert type(again) is AssConfig and again == joint
    assert trial_key(again) == trial_key(joint)


def test_its_code_and_its_settings_are_in_the_keys_of_trials_with_it(packages: Packages, configure: Configure) -> None:
    def key(**values: Any) -> str:
        given = {**configure(adaptor="joint", domains="streets").model_dump(), "adaptor": "entropy", **values}
        return trial_key(AssConfig.of(given))

    install(packages, entropy=("ass_entropy:Entropy", ENTROPY))
    before = key(lambda_entropy=0.1)
    assert key(lambda_entropy=0.2) != before
    assert list(AssConfig.extensions({"adaptor": ["ga+entropy", "csa"]})) == ["entropy"]


@pytest.mark.usefixtures("entropy")
def test_the_entropy_of_the_example_is_1_for_equal_scores_and_0_for_certain_ones() -> None:
    from ass_entropy import normalised_entropy  # type: ignore[import-not-found]

    assert normalised_entropy(torch.zeros(2, 4, 3, 5)).item() == pytest.approx(1.0)
    certain = torch.zeros(2, 4, 3, 5)
    certain[:, 0] = 50.0
    assert normalised_entropy(certain).item() == pytest.approx(0.0, abs=1e-6)
    half = torch.full((1, 4, 1, 1), -50.0)
    half[:, :2] = 0.0
    assert normalised_entropy(half).item() == pytest.approx(math.log(2) / math.log(4))


def trained(config: AssConfig, pair: Any, *until: int) -> list[dict[str, float]]:
    trainer = Trainer(config, pair)
    return [_numbers(trainer.train_until(iteration)) for iteration in until]


def _numbers(metrics: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if not name.startswith("speed/")}


@pytest.mark.usefixtures("entropy")
@pytest.mark.parametrize("adaptor", ["entropy", "ga+entropy", "ga+csa+entropy"])
def test_it_trains_alone_and_beside_ours(configure: Configure, tiny_pair: Any, adaptor: str) -> None:
    values = configure(adaptor="joint").model_dump() | {"adaptor": adaptor}
    (with_it,) = trained(AssConfig.of({**values, "lambda_entropy": 1.0}), tiny_pair, 3)
    assert {"loss/entropy", "adaptor/certain_pixels"} <= with_it.keys()
    assert ("loss/gadv" in with_it) == ("ga" in adaptor)
    (without,) = trained(AssConfig.of({**values, "lambda_entropy": 0.0}), tiny_pair, 3)
    assert with_it["loss/seg_source"] != without["loss/seg_source"]


def test_networks_of_a_package_are_trained_saved_and_resumed(
    packages: Packages, configure: Configure, tiny_pair: Any
) -> None:
    install(packages, teacher=("ass_teacher:Teacher", TEACHER))
    config = AssConfig.of(configure(adaptor="joint").model_dump() | {"adaptor": "teacher", "lambda_gadv": 0.5})
    first, undisturbed = trained(config, tiny_pair, 3, 6)
    assert {"loss/head", "lr/head", "loss/consistency"} <= first.keys()
    trainer = Trainer(config, tiny_pair)
    trainer.train_until(3)
    before = trainer.state_dict()
    assert any(name.startswith("networks.teacher.") for name in before["model"])
    resumed = Trainer(config, tiny_pair)
    resumed.load_state_dict(before)
    assert _numbers(resumed.train_until(6)) == undisturbed
    assert AssConfig.undefined({"adaptor": "ga+teacher"}) == (
        "ga and teacher are two forms of one module: both set lambda_gadv"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("raise RuntimeError('boom')", "importing bad:Bad fails with RuntimeError: boom"),
        ("Bad = object()", "allowed: a class that extends trainables.ass.adaptor.Adaptor"),
        (
            "from pydantic import BaseModel\nfrom trainables.ass.adaptor import Adaptor\n"
            "class Bad(Adaptor):\n    class Settings(BaseModel):\n        lr: float = 1.0\n",
            "its field lr is one of the method's own; give it another name",
        ),
    ],
)
def test_a_broken_one_stops_only_what_uses_it(packages: Packages, configure: Configure, text: str, said: str) -> None:
    install(packages, bad=("bad:Bad", text))
    assert configure(adaptor="ga+csa").adaptor == "ga+csa"
    with pytest.raises(BrokenExtension) as broken:
        AssConfig.extended({"adaptor": ["bad"]})
    assert str(broken.value).startswith("adaptor 'bad' of package ass-bad 1.0 cannot be used: ")
    assert said in str(broken.value)
    assert adaptation("ga").unlabeled
