"""The numbers of small real trials stay what they were, or a changed version of the code says that they may not.

Numbers that change under the same version would put results of different code under one key: then a module that
decides outcomes is missing in a `DECIDES`.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.golden_trials import FILE, golden_trials

pytestmark = pytest.mark.costly

ADVICE = {
    True: "the version did not change: a module that decides outcomes is missing in a DECIDES, or a library changed",
    False: "so did the version: if this is meant, record them by `python -m tests.support.golden_trials`",
}


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    return golden_trials()


@pytest.mark.parametrize("trial", ["ass", "mean_teacher", "finetune", "curves"])
def test_the_numbers_of_a_trial_stay(trial: str, measured: dict[str, Any]) -> None:
    golden, found = json.loads(FILE.read_text())[trial], measured[trial]
    advice = f"numbers changed, and {ADVICE[golden['version'] == found['version']]}"
    assert len(found["reports"]) == len(golden["reports"]) == 2
    for now, before in zip(found["reports"], golden["reports"], strict=True):
        assert now.keys() == before.keys(), advice
        for name, value in before.items():
            # another processor rounds otherwise, and moves some pixels from one class to another
            relative, absolute = (0.0, 0.05) if "miou" in name or name.endswith("accuracy") else (1e-3, 0.0)
            assert now[name] == pytest.approx(value, rel=relative, abs=absolute), f"{name}: {advice}"
