"""The configuration of a trial, and the key that two trials share exactly if they train the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from ass_tune.search.identity import build_config, trial_key
from ass_tune.spec import StudySpec
from trainables.ass.config import AssConfig
from trainables.config import Value
from trainables.curves import CurvesConfig
from trainables.words import Cell

SPEC = StudySpec.model_validate(
    {
        "study": "s",
        "trainable": "ass",
        "domains": "streets",
        "profile": "laptop",
        "ablate": {"adaptor": ["ga", "ga+csa"], "lr_sd": ["tuned", 0]},
        "tune": {"lr_sd": {"type": "uniform", "low": 0.1, "high": 1.0}},
        "fixed": {"labeled_images": 20, "gd_channels": [8, 16], "lr": 1},
        "train": {"iterations": 40, "evaluate_every": 10},
    }
)
CSA = Cell((("adaptor", "ga+csa"), ("lr_sd", "tuned")))
GA = Cell((("adaptor", "ga"), ("lr_sd", "tuned")))


def key(cell: Cell = CSA, seed: int = 0, **hyperparameters: Value) -> str:
    return trial_key(build_config(SPEC, cell, hyperparameters, seed))


def test_a_configuration_joins_profile_fixed_levels_and_hyperparameters() -> None:
    config = build_config(SPEC, CSA, {"lr_sd": 0.5}, seed=3)
    assert isinstance(config, AssConfig)
    assert (config.adaptor, config.labeled_images, config.lr, config.lr_sd) == ("ga+csa", 20, 1.0, 0.5)
    assert (config.gd_channels, config.network) == ((8, 16), AssConfig.profiles()["laptop"]["network"])
    assert (config.seed, config.domains, config.iterations, config.evaluate_every) == (3, "streets", 40, 10)


def test_a_variable_that_a_cell_sets_itself_has_that_level() -> None:
    config = build_config(SPEC, Cell((("adaptor", "ga"), ("lr_sd", 0))), {}, seed=0)
    assert isinstance(config, AssConfig)
    assert config.lr_sd == 0


def test_a_level_left_to_tuning_has_the_value_of_the_profile_until_it_is_chosen() -> None:
    config = build_config(SPEC, CSA, {}, seed=0)
    assert isinstance(config, AssConfig)
    assert config.lr_sd == AssConfig.profiles()["laptop"]["lr_sd"]


def test_a_value_that_the_trainable_refuses_is_an_error() -> None:
    with pytest.raises(ValidationError):
        build_config(SPEC, CSA, {"lr_sd": -1}, seed=0)


def test_a_key_is_sixteen_hexadecimal_digits() -> None:
    assert re.fullmatch("[0-9a-f]{16}", key())


def test_a_key_does_not_depend_on_the_order_of_values() -> None:
    assert key(lr_sd=0.5, momentum=0.8) == key(momentum=0.8, lr_sd=0.5)


def test_a_key_does_not_distinguish_an_integer_from_the_same_number() -> None:
    assert key(lambda_sadv=1) == key(lambda_sadv=1.0)


def test_fields_without_effect_do_not_change_a_key() -> None:
    assert key(GA) == key(GA, lambda_sadv=7.0, lr_sd=0.3, lambda_sd=2.0, sd_hidden=9)


def test_every_field_with_an_effect_changes_a_key() -> None:
    config = build_config(SPEC, CSA, {}, seed=0)
    others: Mapping[str, Any] = {
        "adaptor": "ga+fcsa",
        "optimizer": "adamw",
        "network": "deeplab_v2",
        "normalisation": "group",
        "backbone_weights": "weights.pt",
        "dtype": "bfloat16",
        "device": "cuda",
        "domains": "idda-camvid",
        "profile": "paper",
        "protocol": "paper",
        "gd_channels": (8,),
        "aspp_rates": (1,),
        "subset_seed": 1,
        "schedule_iterations": 1,
        "clip_norm": 1.0,
        "gd_map_scale": 0.125,
        "momentum": 0.25,
        "snapshot": "best_on_select",
    }
    keys = {"as it is": trial_key(config)}
    for name, value in config.model_dump().items():
        if name in config.canonical():
            other = others[name] if name in others else not value if isinstance(value, bool) else value + 1
            keys[name] = trial_key(type(config).model_validate({**config.model_dump(), name: other}))
    assert len(set(keys.values())) == len(keys) > 30


def test_equal_values_of_two_trainables_have_different_keys() -> None:
    class OtherCurves(CurvesConfig):
        pass

    values = {"domains": "synthetic", "profile": "synthetic", "seed": 0, "iterations": 4, "evaluate_every": 1}
    assert trial_key(CurvesConfig(**values)) != trial_key(OtherCurves(**values))


def test_another_version_of_the_code_has_another_key() -> None:
    class Changed(CurvesConfig):
        @classmethod
        def code_version(cls, domains: str) -> str:
            return "another"

    Changed.__module__, Changed.__qualname__ = CurvesConfig.__module__, CurvesConfig.__qualname__
    values = {"domains": "synthetic", "profile": "synthetic", "seed": 0, "iterations": 4, "evaluate_every": 1}
    assert trial_key(CurvesConfig(**values)) != trial_key(Changed(**values))


def test_a_key_holds_what_the_trial_is_trained_and_judged_on() -> None:
    config = build_config(SPEC, CSA, {"lr_sd": 0.5}, seed=0)
    data = {"source": "0" * 16, "target_report": "1" * 16}
    keys = [
        trial_key(config),
        trial_key(config, data),
        trial_key(config, {**data, "target_report": "2" * 16}),
        trial_key(config, {"target_report": "0" * 16, "source": "1" * 16}),
    ]
    assert len(set(keys)) == 4
    assert trial_key(config, dict(reversed(data.items()))) == keys[1]
    assert trial_key(config, {}) == keys[0]


def test_the_format_of_a_key_stays() -> None:
    """A change of this value makes every finished trial of every study train again."""

    class Frozen(CurvesConfig):
        @classmethod
        def code_version(cls, domains: str) -> str:
            return "1"

        def canonical(self) -> dict[str, Any]:
            return {"seed": 0, "lr": 0.1, "tiny": 1e-07, "name": "ga+csa", "none": None, "sizes": [1, 2]}

    Frozen.__module__, Frozen.__qualname__ = CurvesConfig.__module__, CurvesConfig.__qualname__
    values = {"domains": "synthetic", "profile": "synthetic", "seed": 0, "iterations": 4, "evaluate_every": 1}
    assert trial_key(Frozen(**values)) == "eb4f0815aaa86b37"
