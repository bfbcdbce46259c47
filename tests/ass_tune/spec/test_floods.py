"""Files that ask for much in few lines: each is read or refused in no time."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ass_tune.plan.study_plan import make_plan
from ass_tune.search.cells import cells
from ass_tune.spec import SpecErrors, load
from trainables.ass.config import AssConfig

pytestmark = pytest.mark.costly
LONGEST = 6.0
"""Seconds of CPU time."""
HEAD = """\
study: s
trainable: ass
domains: streets
profile: laptop
train: {iterations: 40, evaluate_every: 10}
"""
ONE = "fixed: {adaptor: ga+csa, labeled_images: 20}\n"
CELLS = f"ablate: {{lambda_seg: {list(range(100))}, lambda_gd: {list(range(10))}}}\n"
BUDGET = "search: {trials_per_cell: 2}\n"
RATES = [name for name in AssConfig.tunable() if name.startswith("lr")]


def tune(**entries: str) -> str:
    return "tune:\n" + "".join(f"  {name}: {{{entry}}}\n" for name, entry in entries.items())


def choice(count: int) -> str:
    return f"type: choice, values: {list(range(count))}"


FLOODS = {
    "many evaluations": HEAD.replace("40, evaluate_every: 10", "999999999999999999, evaluate_every: 1") + ONE,
    "many seeds": f"{HEAD}{ONE}replicate: {{seeds: {list(range(1900))}}}\n",
    "many wrong seeds": f"{HEAD}{ONE}replicate: {{seeds: {[-1] * 1900}}}\n",
    "many seeds of another kind": f"{HEAD}{ONE}replicate: {{seeds: {['one'] * 1900}}}\n",
    "many equal levels": f"{HEAD}{ONE}ablate: {{lr: {[1] * 1900}}}\n",
    "many levels": f"{HEAD}{ONE}ablate: {{lr: {list(range(1000))}}}\n",
    "many unknown names": HEAD + ONE + "ablate:\n" + "".join(f"  lambda_{n}: [1]\n" for n in range(640)),
    "many conditions on unknown names": HEAD
    + tune(lr=f"{choice(2)}, when: {{{', '.join(f'lambda_{n}: [1]' for n in range(640))}}}")
    + BUDGET,
    "conditions with many ways through them": HEAD
    + tune(**{f"v{n}": f"{choice(1)}, when: {{{', '.join(f'v{m}: [0]' for m in range(n))}}}" for n in range(26)})
    + BUDGET,
    "cells with large spaces": HEAD + ONE + CELLS + tune(**{name: choice(100) for name in RATES[:2]}) + BUDGET,
    "cells with many hyperparameters": HEAD + ONE + CELLS + tune(**{name: choice(10) for name in RATES}) + BUDGET,
    "cells with conditions": HEAD
    + ONE
    + CELLS
    + tune(
        lr=choice(100),
        lr_gd=f"{choice(10)}, when: {{lr: {list(range(100))}}}",
        lr_sd=f"{choice(10)}, when: {{lr: [1, 2], lr_gd: {list(range(10))}}}",
    )
    + BUDGET,
    "pairs of integers": HEAD
    + tune(**{name: "type: int, low: 1, high: 100" for name in ("labeled_images", "subset_seed", "warmup")})
    + "ablate: {adaptor: [joint, ga, ga+csa]}\n"
    + BUDGET,
    "a long line": f"{HEAD}{ONE}protocol: {'split ' * 15_000}\n",
    "two long names": f"{HEAD}{ONE}baseline: {{{'lr ' * 15_000}: 1}}\nablate: {{{'rl ' * 15_000}: [1]}}\n",
    "a list that opens and never closes": HEAD + "ablate: " + "[" * 90_000,
    "a comment": f"{HEAD}{ONE}#{'x' * 90_000}\n",
    "aliases": HEAD
    + "".join(f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]\n" for n in range(1, 9)).replace("*x0", "1"),
}


@pytest.mark.parametrize("text", FLOODS.values(), ids=FLOODS.keys())
def test_a_file_that_asks_for_much_takes_no_time(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    assert seconds(lambda: load(path)) < LONGEST


@pytest.mark.parametrize("name", ["many evaluations", "cells with many hyperparameters", "cells with conditions"])
def test_a_large_study_is_planned_in_no_time(name: str, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(FLOODS[name])
    spec = load(path)
    assert seconds(lambda: cells(spec)) < LONGEST
    assert seconds(lambda: make_plan(spec, None, measure=False)) < 2 * LONGEST


def test_five_files_that_each_ask_for_much_take_no_time(tmp_path: Path) -> None:
    for number in range(5):
        values = "".join(f"  k{number}_{each}: [{each}]\n" for each in range(640))
        text = f"extends: {number - 1}.yaml\nablate:\n{values}" if number else HEAD + f"ablate:\n{values}"
        (tmp_path / f"{number}.yaml").write_text(text)
    assert seconds(lambda: load(tmp_path / "4.yaml")) < LONGEST


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    try:
        work()
    except SpecErrors as errors:
        assert len(str(errors)) < 20_000
    return time.process_time() - start
