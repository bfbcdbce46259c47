from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from trainables.ass.config import AssConfig
from trainables.domains.pairs import PAIRS, labeled_pool

Configure = Callable[..., AssConfig]


def test_importing_the_configuration_imports_no_torch() -> None:
    code = 'import sys, trainables.ass.config as c; c.AssConfig.code_version("streets"); print("torch" in sys.modules)'
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.parametrize("profile", AssConfig.profiles())
def test_every_profile_completes_a_configuration(profile: str) -> None:
    values: dict[str, Any] = {"domains": "streets", "profile": profile, "seed": 0, "iterations": 8, "evaluate_every": 4}
    values |= {"adaptor": "ga+csa", "labeled_images": 5, **AssConfig.profiles()[profile]}
    config = AssConfig(**values)
    assert AssConfig.undefined(config.model_dump()) is None
    assert AssConfig(**config.model_dump(mode="json")) == config


@pytest.mark.parametrize("adaptor", ["csa", "fcsa", "ga+csa", "ga+fcsa"])
def test_semantic_adaptation_is_undefined_without_labeled_images(adaptor: str) -> None:
    reason = AssConfig.undefined({"adaptor": adaptor, "labeled_images": 0})
    assert reason == f"{adaptor} aligns classes by the labels of target images, and labeled_images is 0"
    assert AssConfig.undefined({"adaptor": adaptor, "labeled_images": 1}) is None


def test_oracle_is_undefined_without_labeled_images() -> None:
    reason = AssConfig.undefined({"adaptor": "oracle", "labeled_images": 0})
    assert reason == "oracle trains on labeled target images only, and labeled_images is 0"


def test_finetuning_is_undefined_without_labeled_images_and_where_statistics_are_by_domain() -> None:
    reason = AssConfig.undefined({"adaptor": "finetune", "labeled_images": 0})
    assert reason == "finetune ends with labeled target images, and labeled_images is 0"
    values = {"adaptor": "finetune", "labeled_images": 1, "normalisation": "domain"}
    reason = AssConfig.undefined(values)
    assert reason == "finetune has batches of one domain, which normalisation: batch tells apart already"
    assert AssConfig.undefined({**values, "normalisation": "batch"}) is None


@pytest.mark.parametrize("adaptor", ["joint", "ga", "mean_teacher"])
def test_joint_ga_and_the_mean_teacher_are_defined_without_labeled_images(adaptor: str) -> None:
    assert AssConfig.undefined({"adaptor": adaptor, "labeled_images": 0}) is None


@pytest.mark.parametrize("domains", PAIRS)
def test_more_labeled_images_than_the_pair_has_are_undefined(domains: str) -> None:
    pool = labeled_pool(domains)
    assert pool is not None
    assert AssConfig.undefined({"domains": domains, "labeled_images": pool}) is None
    reason = AssConfig.undefined({"domains": domains, "labeled_images": pool + 1})
    expected = f"labeled_images is {pool + 1}, and the target of {domains} has {pool} training images"
    assert reason is not None and reason.startswith(expected)
    assert AssConfig.undefined({"labeled_images": pool + 1}) is None


def test_images_that_choose_configurations_are_not_labeled_unless_the_paper_did() -> None:
    values = {"domains": "gta5-cityscapes", "labeled_images": 2975}
    reason = AssConfig.undefined({**values, "protocol": "split"})
    assert reason == (
        "labeled_images is 2975, and the target of gta5-cityscapes has 2616 training images "
        "besides 359 that choose configurations (protocol: split)"
    )
    assert AssConfig.undefined({**values, "protocol": "paper"}) is None
    assert "2975 training images" in str(AssConfig.undefined({**values, "protocol": "paper", "labeled_images": 2976}))


def test_frozen_normalisation_is_undefined_without_pretrained_weights() -> None:
    values = {"normalisation": "frozen", "backbone_weights": "none"}
    assert "pre-trained" in (AssConfig.undefined(values) or "")
    assert AssConfig.undefined({**values, "backbone_weights": "imagenet"}) is None
    assert "ImageNet" in (AssConfig.undefined({"network": "small", "backbone_weights": "imagenet"}) or "")


SEMANTIC = {"lambda_sadv", "lambda_sd", "lr_sd", "sd_hidden"}
GLOBAL = {"lambda_gadv", "lambda_gd", "lr_gd", "gd_channels", "gd_map_scale"}
TEACHER = {"lambda_consistency", "teacher_decay", "teacher_confidence"}
RIVALS = TEACHER | {"source_share"}
UNLABELED = {"unlabeled_batch"}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, set()),
        ({"adaptor": "ga+csa"}, RIVALS),
        ({"adaptor": "ga"}, SEMANTIC | RIVALS),
        ({"adaptor": "fcsa"}, GLOBAL | RIVALS | UNLABELED),
        ({"adaptor": "joint"}, SEMANTIC | GLOBAL | RIVALS | UNLABELED),
        ({"adaptor": "oracle"}, SEMANTIC | GLOBAL | RIVALS | UNLABELED | {"source_batch"}),
        ({"adaptor": "finetune"}, SEMANTIC | GLOBAL | TEACHER | UNLABELED),
        ({"adaptor": "mean_teacher"}, SEMANTIC | GLOBAL | {"source_share"}),
        ({"adaptor": "ga+csa+mean_teacher"}, {"source_share"}),
        ({"adaptor": "mean_teacher", "lambda_consistency": 0}, SEMANTIC | GLOBAL | RIVALS - {"lambda_consistency"}),
        ({"labeled_images": 0}, {"labeled_batch", "subset_seed"}),
        ({"labeled_images": 1}, set()),
        ({"optimizer": "adamw"}, {"momentum"}),
        ({"optimizer": "sgd"}, set()),
        ({"lr_gd": 0.0}, {"lambda_gd"}),
        ({"lr_sd": 0}, {"lambda_sd"}),
        ({"adaptsegnet_compat": True}, {"aspp_rates", "normalisation", "train_affine"}),
    ],
)
def test_fields_without_effect_are_known(values: dict[str, Any], expected: set[str]) -> None:
    assert AssConfig.inert(values) == expected


def test_configurations_that_differ_in_fields_without_effect_are_the_same_trial(configure: Configure) -> None:
    def canonical(**changes: Any) -> dict[str, Any]:
        return configure(**changes).canonical()

    assert canonical(adaptor="joint", lambda_sadv=1) == canonical(adaptor="joint", lambda_sadv=3)
    assert canonical(adaptor="csa", lambda_sadv=1) != canonical(adaptor="csa", lambda_sadv=3)


@pytest.mark.parametrize(
    "changes",
    [
        {"lambda_gadv": -0.1},
        {"lr_sd": -1e-3},
        {"labeled_images": -1},
        {"momentum": 1.0},
        {"source_batch": 0},
        {"gd_channels": ()},
        {"aspp_rates": (0,)},
        {"gd_map_scale": 0},
        {"clip_norm": 0},
        {"adaptor": "gan"},
        {"normalisation": "layer"},
        {"lr": float("nan")},
        {"lambda_sdav": 1.0},
    ],
)
def test_values_out_of_bounds_and_unknown_fields_are_refused(configure: Configure, changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        configure(**changes)


def test_reserved_fields_cannot_be_tuned() -> None:
    tunable = AssConfig.tunable()
    assert not set(tunable) & AssConfig.RESERVED
    assert {"adaptor", "labeled_images", "lambda_seg", "lambda_gd", "lr_gd", "lr_sd", "normalisation"} <= set(tunable)


def test_adaptsegnets_quirks_are_set_whatever_the_profile_says(configure: Configure) -> None:
    config = configure(**AssConfig.profiles()["paper"], adaptsegnet_compat=True)
    assert (config.aspp_rates, config.normalisation, config.train_affine) == ((6, 12), "batch", False)
    assert configure(**AssConfig.profiles()["paper"]).aspp_rates == (6, 12, 18, 24)
    other = configure(**{**AssConfig.profiles()["paper"], "normalisation": "group"}, adaptsegnet_compat=True)
    assert other.canonical() == config.canonical()


def test_adaptsegnets_quirks_need_no_pretrained_statistics() -> None:
    values = {"normalisation": "frozen", "backbone_weights": "none"}
    assert AssConfig.undefined({**values, "adaptsegnet_compat": True}) is None
