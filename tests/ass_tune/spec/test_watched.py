"""What an answer depends on is found out by watching who looks at what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ass_tune.spec.watched import watch
from trainables.ass.config import AssConfig

VALUES = {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("ask", "seen"),
    [
        (lambda values: values["a"], {"a"}),
        (lambda values: values.get("c", 3), {"c"}),
        (lambda values: "b" in values, {"b"}),
        (lambda values: values["a"] == 1 or values["b"], {"a"}),
        (lambda values: dict(values), {"a", "b", "c"}),
        (lambda values: {**values, "c": 3}, {"a", "b", "c"}),
        (lambda values: len(values), {"a", "b", "c"}),
        (lambda values: values == {"a": 1}, {"a", "b", "c"}),
        (lambda values: None, set()),
    ],
)
def test_what_was_looked_at_is_known(ask: Callable[[Mapping[str, Any]], Any], seen: set[str]) -> None:
    answer, watched = watch(ask, VALUES)
    assert answer == ask(VALUES)
    assert {name for name in ("a", "b", "c") if watched.seen(name)} == seen


def test_most_of_a_trial_decides_nothing_about_what_is_defined() -> None:
    _, watched = watch(AssConfig.undefined, {"adaptor": "csa", "labeled_images": 20, "domains": "streets"})
    assert watched.seen("network")
    assert sum(map(watched.seen, AssConfig.tunable())) < 10
