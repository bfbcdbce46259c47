"""Files that are wrong as a whole: nothing in them, unknown trainables, undefined combinations."""

from __future__ import annotations

from collections.abc import Callable

import pytest

BROKEN = {
    "nothing": (
        "",
        "x.yaml:1: found an empty file; allowed: a mapping with study, trainable, ...",
    ),
    "a list": (
        "- study: x",
        "x.yaml:1: found a list; allowed: a mapping with study, trainable, ...",
    ),
    "a mapping without anything": (
        "prune: none",
        "x.yaml:1: domains: missing required key (Pair of source and target data sets: a name, or a pair file (.yaml), "
        "relative to this file)",
        "x.yaml:1: profile: missing required key (Named set of defaults of the trainable)",
        "x.yaml:1: study: missing required key (Name of the study: letters, digits, '.', '_' and '-')",
        "x.yaml:1: train: missing required key (Length of every trial)",
        "x.yaml:1: trainable: missing required key (What is trained)",
    ),
    "a slash in the name": (
        """\
study: a/b
trainable: ass
domains: streets
profile: laptop
fixed: {adaptor: ga, labeled_images: 0}
train: {iterations: 40, evaluate_every: 10}""",
        "x.yaml:1: study: found 'a/b'; allowed: letters, digits, dots, _ and -, a letter or digit first",
    ),
    "an unknown trainable": (
        """\
study: a
trainable: as
domains: streets
profile: laptop
train: {iterations: 40, evaluate_every: 10}""",
        "x.yaml:2: trainable: found 'as'; allowed: ass, curves; did you mean 'ass'?",
    ),
    "unknown domains and profile": (
        """\
study: a
trainable: ass
domains: street
profile: desktop
train: {iterations: 40, evaluate_every: 10}""",
        "x.yaml:3: domains: found 'street'; allowed: streets, idda-camvid, gta5-cityscapes, gta5-cityscapes-half, "
        "synthia-cityscapes, synthia-cityscapes-half, synthia16-cityscapes, NAME@N for at most N (2 or more) "
        "images of each split of real data, or a pair file (.yaml); did you mean 'streets'?",
        "x.yaml:4: profile: found 'desktop'; allowed: laptop, laptop-real, laptop-real-small, paper, paper-fast",
    ),
    "more evaluations than iterations": (
        """\
study: a
trainable: curves
domains: synthetic
profile: synthetic
train: {iterations: 40, evaluate_every: 100}""",
        "x.yaml:5: train.evaluate_every: found 100, which is above iterations (40); allowed: a divisor of it",
    ),
    "an evaluation after the end": (
        """\
study: a
trainable: curves
domains: synthetic
profile: synthetic
train: {iterations: 40, evaluate_every: 15}""",
        "x.yaml:5: train.evaluate_every: found 15, which does not divide iterations (40); allowed: a divisor of it",
    ),
    "no iterations": (
        """\
study: a
trainable: curves
domains: synthetic
profile: synthetic
train: {iterations: 0, evaluate_every: 15}""",
        "x.yaml:5: train.iterations: found 0; allowed: a number above 0",
    ),
    "no value for a factor": (
        """\
study: a
trainable: ass
domains: streets
profile: laptop
ablate: {adaptor: [ga]}
train: {iterations: 40, evaluate_every: 10}""",
        (
            "x.yaml:5: ablate: missing labeled_images, for which profile laptop has no value; allowed: a "
            "value under ablate, tune, fixed"
        ),
    ),
    "csa fixed without labeled images": (
        """\
study: a
trainable: ass
domains: streets
profile: laptop
fixed: {adaptor: csa, labeled_images: 0}
train: {iterations: 40, evaluate_every: 10}""",
        (
            "x.yaml:5: fixed: found an undefined combination: csa aligns classes by the labels of target "
            "images, and labeled_images is 0"
        ),
    ),
    "csa in cells without labeled images": (
        """\
study: a
trainable: ass
domains: streets
profile: laptop
ablate:
  adaptor: [ga, csa]
  labeled_images: [0]
train: {iterations: 40, evaluate_every: 10}""",
        (
            "x.yaml:6: ablate.adaptor[1]: found 'csa', which is undefined in every cell: csa aligns classes "
            "by the labels of target images, and labeled_images is 0"
        ),
    ),
    "more labeled images than there are": (
        """\
study: a
trainable: ass
domains: streets
profile: laptop
ablate:
  adaptor: [ga, csa]
  labeled_images: [5, 100000]
train: {iterations: 40, evaluate_every: 10}""",
        (
            "x.yaml:7: ablate.labeled_images[1]: found 100000, which is undefined in every cell: "
            "labeled_images is 100000, and the target of streets has 400 training images"
        ),
    ),
    "no defined choice in a cell": (
        """\
study: a
trainable: ass
domains: streets
profile: laptop
ablate: {labeled_images: [0, 5]}
tune: {adaptor: {type: choice, values: [fcsa, csa]}}
search: {trials_per_cell: 2}
train: {iterations: 40, evaluate_every: 10}""",
        (
            "x.yaml:6: tune.adaptor.values: found no value that is defined in cell labeled_images=0; "
            "allowed: at least one for every cell"
        ),
    ),
    "a choice that no cell has": (
        """\
study: a
trainable: ass
domains: streets
profile: laptop
ablate: {labeled_images: [0]}
tune: {adaptor: {type: choice, values: [ga, csa]}}
search: {trials_per_cell: 2}
train: {iterations: 40, evaluate_every: 10}""",
        (
            "x.yaml:6: tune.adaptor.values[1]: found 'csa', which is undefined in every cell: csa aligns "
            "classes by the labels of target images, and labeled_images is 0"
        ),
    ),
    "an undefined end of a range": (
        """\
study: a
trainable: ass
domains: streets
profile: laptop
ablate: {adaptor: [ga, csa]}
tune: {labeled_images: {type: int, low: 0, high: 20}}
search: {trials_per_cell: 2}
train: {iterations: 40, evaluate_every: 10}""",
        (
            "x.yaml:6: tune.labeled_images.low: found 0, which is undefined in cell adaptor=csa: csa aligns "
            "classes by the labels of target images, and labeled_images is 0"
        ),
    ),
    "hyperparameters undefined together": (
        """\
study: a
trainable: ass
domains: streets
profile: laptop
tune:
  adaptor: {type: choice, values: [ga, csa]}
  labeled_images: {type: choice, values: [0, 20]}
search: {trials_per_cell: 2}
train: {iterations: 40, evaluate_every: 10}""",
        (
            "x.yaml:7: tune.labeled_images: found adaptor=csa with labeled_images=0, which is undefined: csa "
            "aligns classes by the labels of target images, and labeled_images is 0; allowed: one of the two "
            "under ablate"
        ),
    ),
    "a conditional variable without default": (
        """\
study: a
trainable: ass
domains: streets
profile: laptop
fixed: {adaptor: ga}
tune:
  optimizer: {type: choice, values: [sgd, adamw]}
  labeled_images: {type: choice, values: [5, 20], when: {optimizer: [sgd]}}
search: {trials_per_cell: 2}
train: {iterations: 40, evaluate_every: 10}""",
        (
            "x.yaml:8: tune.labeled_images.when: found a condition, but profile laptop has no value for "
            "labeled_images where it does not hold; allowed: no condition"
        ),
    ),
    "a fixed list with text": (
        """\
study: a
trainable: ass
domains: streets
profile: laptop
fixed: {adaptor: joint, labeled_images: 5, gd_channels: [16, wide]}
train: {iterations: 40, evaluate_every: 10}""",
        "x.yaml:5: fixed.gd_channels[1]: found 'wide'; allowed: an integer",
    ),
    "a study in the place of MLflow's database": (
        """\
study: mlflow.db
trainable: curves
domains: synthetic
profile: synthetic
train: {iterations: 40, evaluate_every: 10}""",
        "x.yaml:1: study: found 'mlflow.db', which is a name of MLflow's; allowed: another name",
    ),
    "a study in an experiment that is everybody's": (
        """\
study: Default
trainable: curves
domains: synthetic
profile: synthetic
train: {iterations: 40, evaluate_every: 10}""",
        "x.yaml:1: study: found 'Default', which is a name of MLflow's; allowed: another name",
    ),
    "too many values to compare": (
        f"""\
study: a
trainable: ass
domains: streets
profile: laptop
ablate: {{adaptor: [joint, ga], labeled_images: {list(range(1, 391))}}}
tune:
  network: {{type: choice, values: [deeplab_v2, efficientnet_lite0]}}
  backbone_weights: {{type: choice, values: {[f"w{number}" for number in range(100)]}}}
search: {{trials_per_cell: 2}}
train: {{iterations: 40, evaluate_every: 10}}""",
        "x.yaml:6: tune: found more than 100000 combinations of values that may be undefined; allowed: fewer",
    ),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_a_file_without_a_meaning_is_refused_with_its_message(
    broken: tuple[str, ...], mistakes_of: Callable[[str], list[str]]
) -> None:
    text, *expected = broken
    assert mistakes_of(text + "\n") == expected
