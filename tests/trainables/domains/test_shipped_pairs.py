"""The pairs of the package read what they read when each had a module of its own: `pairs.json` was written then."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.pair_pixels import pixels_of, rules_of
from trainables.domains.pairs import find_pair
from trainables.domains.shipped import NAMES

BEFORE = json.loads(Path(__file__).with_name("pairs.json").read_text())


def test_every_shipped_pair_is_compared() -> None:
    assert BEFORE["rules"].keys() == {*NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_classes_ids_sizes_and_resampling_are_as_before(name: str) -> None:
    assert rules_of(find_pair(name)) == BEFORE["rules"][name]


@pytest.mark.parametrize("name", BEFORE["pixels"])
def test_the_files_and_pixels_of_real_data_are_as_before(name: str, data_root: Path) -> None:
    assert pixels_of(find_pair(name), data_root) == BEFORE["pixels"][name]
