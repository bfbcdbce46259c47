from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import torch

from trainables import ass_prepare
from trainables.ass import precision
from trainables.ass.config import AssConfig
from trainables.ass.networks.weights import MissingWeights
from trainables.ass.precision import computes_in_bfloat16
from trainables.domains.progress import unwatched


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The pairs that were packed, which here takes no time."""
    pairs: list[str] = []
    monkeypatch.setattr(ass_prepare, "prepare_pair", lambda name, *_: pairs.append(name))
    return pairs


def config(**changes: Any) -> AssConfig:
    values = {"domains": "streets", "profile": "laptop", "seed": 0, "iterations": 8, "evaluate_every": 4}
    values |= {"adaptor": "joint", "labeled_images": 5, **AssConfig.profiles()["laptop"]}
    return AssConfig(**{**values, **changes})


def test_each_pair_is_packed_once(prepared: list[str], tmp_path: Path) -> None:
    configs = [config(), config(adaptor="ga"), config(labeled_images=20)]
    ass_prepare.prepare(configs, tmp_path, None, unwatched)
    assert prepared == ["streets"]


def test_weights_that_are_missing_end_a_study_before_its_data_is_packed(prepared: list[str], tmp_path: Path) -> None:
    missing = str(tmp_path / "resnet101.pth")
    with pytest.raises(MissingWeights, match=r"no file .*resnet101\.pth"):
        ass_prepare.prepare([config(), config(backbone_weights=missing)], tmp_path, None, unwatched)
    assert prepared == []


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("native", [True, False])
def test_bfloat16_without_instructions_for_it_is_warned_of(
    prepared: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    dtype: str,
    native: bool,
) -> None:
    monkeypatch.setattr(precision, "computes_in_bfloat16", lambda device: native)
    with caplog.at_level(logging.WARNING):
        ass_prepare.prepare([config(dtype=dtype)], tmp_path, None, unwatched)
    assert ("several times as long" in caplog.text) == (dtype == "bfloat16" and not native)


def test_a_cpu_says_whether_it_computes_in_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    for capabilities, expected in (({"avx512_bf16": True}, True), ({"amx_bf16": False, "avx2": True}, False)):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda found=capabilities: found)
        assert computes_in_bfloat16(torch.device("cpu")) == expected
