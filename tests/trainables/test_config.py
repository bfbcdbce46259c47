"""What every trainable's configuration has in common."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from trainables.ass.config import AssConfig
from trainables.config import TrialConfig
from trainables.curves import CurvesConfig

BOTH = pytest.mark.parametrize("config_class", [AssConfig, CurvesConfig])
STUDY: dict[str, Any] = {"domains": "d", "profile": "p", "seed": 0, "iterations": 10, "evaluate_every": 5}


@BOTH
def test_what_the_study_decides_can_be_neither_tuned_nor_fixed(config_class: type[TrialConfig]) -> None:
    assert config_class.model_fields.keys() >= config_class.RESERVED
    assert not config_class.RESERVED & set(config_class.tunable())
    assert config_class.RESERVED | set(config_class.tunable()) == config_class.model_fields.keys()


@BOTH
def test_every_profile_sets_tunable_fields_to_values_they_may_have(config_class: type[TrialConfig]) -> None:
    for profile, values in config_class.profiles().items():
        assert set(values) <= set(config_class.tunable())
        config_class(**{**values, **STUDY, "profile": profile, "adaptor": "ga", "labeled_images": 5})


@BOTH
def test_the_code_version_is_the_same_every_time(config_class: type[TrialConfig]) -> None:
    assert config_class.code_version("streets") == config_class.code_version("streets") != ""


@pytest.mark.parametrize(
    "wrong", [{"sed": 1}, {"seed": -1}, {"iterations": 0}, {"evaluate_every": 0}, {"protocol": "both"}, {"lr": 1e999}]
)
def test_unknown_fields_and_values_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        CurvesConfig(**{**STUDY, **wrong})


def test_a_configuration_does_not_change() -> None:
    config = CurvesConfig(**STUDY)
    with pytest.raises(ValidationError, match="frozen"):
        config.seed = 3


def test_the_canonical_form_is_json_without_the_fields_that_have_no_effect() -> None:
    config = CurvesConfig(**STUDY, adaptor="ga", lambda_sadv=3.0)
    canonical = config.canonical()
    assert json.loads(json.dumps(canonical)) == canonical
    assert canonical == {name: value for name, value in config.model_dump().items() if name != "lambda_sadv"}
