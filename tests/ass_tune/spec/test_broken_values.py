"""Files whose names, values or ranges are wrong, each with its exact message."""

from __future__ import annotations

from collections.abc import Callable

import pytest

HEAD = """\
study: s
trainable: ass
domains: streets
profile: laptop
train: {iterations: 40, evaluate_every: 10}
fixed: {adaptor: ga+csa, labeled_images: 20}
"""
"""What every file below starts with; its own part begins on line 7."""

BROKEN = {
    "an unknown variable": (
        """\
tune: {lambda_sad: {type: uniform, low: 0.1, high: 1}}
search: {trials_per_cell: 2}""",
        (
            "x.yaml:7: tune.lambda_sad: unknown variable of ass; allowed: adaptor, labeled_images, "
            "subset_seed, lambda_seg, lambda_gadv, lambda_sadv, lambda_gd, lambda_sd, lambda_consistency, "
            "optimizer, lr, classifier_lr_factor, lr_gd, lr_sd, momentum, and 28 more; did you mean "
            "'lambda_sadv'?"
        ),
    ),
    "an unknown factor": (
        "ablate: {optimiser: [sgd]}",
        (
            "x.yaml:7: ablate.optimiser: unknown variable of ass; allowed: adaptor, labeled_images, "
            "subset_seed, lambda_seg, lambda_gadv, lambda_sadv, lambda_gd, lambda_sd, lambda_consistency, "
            "optimizer, lr, classifier_lr_factor, lr_gd, lr_sd, momentum, and 28 more; did you mean "
            "'optimizer'?"
        ),
    ),
    "seed is reserved": (
        "ablate: {seed: [0, 1]}",
        "x.yaml:7: ablate.seed: reserved for the study; allowed: set it with replicate.seeds",
    ),
    "iterations are reserved": (
        """\
tune: {iterations: {type: int, low: 10, high: 20}}
search: {trials_per_cell: 2}""",
        "x.yaml:7: tune.iterations: reserved for the study; allowed: set it with train.iterations",
    ),
    "fixed and ablated": (
        """\
ablate:
  adaptor: [ga, joint]""",
        "x.yaml:6: fixed.adaptor: found also under ablate (x.yaml:8); allowed: one of the two",
    ),
    "fixed and tuned": (
        """\
tune:
  labeled_images: {type: choice, values: [5, 20]}
search: {trials_per_cell: 2}""",
        "x.yaml:6: fixed.labeled_images: found also under tune (x.yaml:8); allowed: one of the two",
    ),
    "ablated and tuned": (
        """\
ablate:
  lr: [0.1, 0.2]
tune:
  lr: {type: uniform, low: 0.1, high: 1}
search: {trials_per_cell: 2}""",
        (
            "x.yaml:10: tune.lr: found also under ablate (x.yaml:8) without the level 'tuned'; allowed: one "
            "of the two, or the level"
        ),
    ),
    "tuned without an entry": (
        "ablate: {lr_sd: [0, tuned]}",
        "x.yaml:7: ablate.lr_sd[1]: found the level 'tuned', but lr_sd is not under tune; allowed: values only",
    ),
    "a level of another kind": (
        "ablate: {lr: [0.1, fast]}",
        "x.yaml:7: ablate.lr[1]: found 'fast'; allowed: a number",
    ),
    "an unknown level": (
        "ablate: {optimizer: [sgd, adamv]}",
        "x.yaml:7: ablate.optimizer[1]: found 'adamv'; allowed: sgd or adamw; did you mean 'adamw'?",
    ),
    "a negative level": (
        "ablate: {lr: [0.1, -0.1]}",
        "x.yaml:7: ablate.lr[1]: found -0.1; allowed: a number of at least 0",
    ),
    "a level twice": (
        "ablate: {lr: [0.1, 0.2, 0.1]}",
        "x.yaml:7: ablate.lr[2]: found 0.1 a second time, first in place 1 of the list; allowed: once",
    ),
    "a value twice": (
        """\
tune: {lr: {type: choice, values: [1, 1.0]}}
search: {trials_per_cell: 2}""",
        "x.yaml:7: tune.lr.values[1]: found 1 a second time, first in place 1 of the list; allowed: once",
    ),
    "low above high": (
        """\
tune:
  lr:
    type: uniform
    low: 10
    high: 1
search: {trials_per_cell: 2}""",
        "x.yaml:10: tune.lr.low: found 10, which is above high (1); allowed: low < high",
    ),
    "low equal to high": (
        """\
tune: {lr: {type: uniform, low: 1, high: 1.0}}
search: {trials_per_cell: 2}""",
        "x.yaml:7: tune.lr.low: found 1, which is also high: an empty range; allowed: low < high, or fixed.lr",
    ),
    "a logarithm of 0": (
        """\
tune: {lr: {type: log_uniform, low: 0, high: 1}}
search: {trials_per_cell: 2}""",
        "x.yaml:7: tune.lr.low: found 0, which has no logarithm; allowed: above 0 for log_uniform",
    ),
    "a logarithm of 0 of an int": (
        """\
tune: {warmup: {type: int, low: 0, high: 8, log: true}}
search: {trials_per_cell: 2}""",
        "x.yaml:7: tune.warmup.low: found 0, which has no logarithm; allowed: at least 1 for an int with log: true",
    ),
    "a step on a logarithm": (
        """\
tune: {warmup: {type: int, low: 1, high: 8, step: 7, log: true}}
search: {trials_per_cell: 2}""",
        "x.yaml:7: tune.warmup.step: found 7 with log: true; allowed: 1, or log: false",
    ),
    "a step that does not fit": (
        """\
tune: {warmup: {type: int, low: 0, high: 40, step: 15}}
search: {trials_per_cell: 2}""",
        "x.yaml:7: tune.warmup.step: found 15, which does not divide high - low (40); allowed: a divisor of 40",
    ),
    "a step of 0": (
        """\
tune: {warmup: {type: int, low: 0, high: 40, step: 0}}
search: {trials_per_cell: 2}""",
        "x.yaml:7: tune.warmup.step: found 0; allowed: a number above 0",
    ),
    "a range beyond the field": (
        """\
tune: {momentum: {type: uniform, low: 0.5, high: 1}}
search: {trials_per_cell: 2}""",
        "x.yaml:7: tune.momentum.high: found 1; allowed: a number below 1",
    ),
    "a range of fractions for whole numbers": (
        """\
tune: {warmup: {type: uniform, low: 5, high: 20}}
search: {trials_per_cell: 2}""",
        "x.yaml:7: tune.warmup.type: found 'uniform', which draws fractions, for a field that takes none; allowed: "
        "int, choice",
    ),
    "many values": (
        f"""\
tune: {{lr: {{type: choice, values: {[number / 1000 for number in range(101)]}}}}}
search: {{trials_per_cell: 2}}""",
        "x.yaml:7: tune.lr.values: found 101 values; allowed: at most 100",
    ),
    "a long name": (
        "ablate: {lr: [0.1], backbone_weights: [none, " + "w" * 400 + "]}",
        "x.yaml:7: ablate: found a combination whose name has 424 characters; allowed: at most 400",
    ),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_a_file_of_wrong_values_is_refused_with_its_message(
    broken: tuple[str, ...], mistakes_of: Callable[[str], list[str]]
) -> None:
    text, *expected = broken
    assert mistakes_of(HEAD + text + "\n") == expected
