"""Files whose form is wrong: keys, types and bounds. Each with its exact message."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import pytest

from ass_tune.spec.model import AcceleratorType

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
    "an unknown key": (
        "ablat: {}",
        (
            "x.yaml:7: ablat: unknown key; allowed: extends, study, trainable, domains, profile, protocol, "
            "baseline, compare, control, ablate, design, tune, fixed, search, prune, replicate, "
            "train, resources, faults, trackers, checkpoints; did you mean 'ablate'?"
        ),
    ),
    "an unknown key below": (
        "search: {trails_per_cell: 3}",
        (
            "x.yaml:7: search.trails_per_cell: unknown key; allowed: sampler, trials_per_cell, "
            "train_seeds, screen, keep, finalists, seed, arguments; did you mean 'trials_per_cell'?"
        ),
    ),
    "an unknown key of a hyperparameter": (
        """\
tune: {lr: {type: uniform, low: 0.1, hihg: 1, high: 2}}
search: {trials_per_cell: 2}""",
        "x.yaml:7: tune.lr.hihg: unknown key; allowed: when, type, low, high; did you mean 'high'?",
    ),
    "a missing key of a hyperparameter": (
        """\
tune: {lr: {type: uniform, low: 0.1}}
search: {trials_per_cell: 2}""",
        "x.yaml:7: tune.lr.high: missing required key (Upper end, a number above low)",
    ),
    "a hyperparameter without type": (
        """\
tune: {lr: {low: 0.1, high: 1}}
search: {trials_per_cell: 2}""",
        (
            "x.yaml:7: tune.lr.type: missing required key (kind of hyperparameter: uniform, log_uniform, "
            "int, choice, grid)"
        ),
    ),
    "an unknown type": (
        """\
tune: {lr: {type: log_unifrm, low: 0.1, high: 1}}
search: {trials_per_cell: 2}""",
        (
            "x.yaml:7: tune.lr.type: found 'log_unifrm'; allowed: uniform, log_uniform, int, choice, grid; "
            "did you mean 'log_uniform'?"
        ),
    ),
    "a number for a hyperparameter": (
        """\
tune: {lr: 0.1}
search: {trials_per_cell: 2}""",
        "x.yaml:7: tune.lr: found 0.1; allowed: a mapping",
    ),
    "a list for a section": (
        "search: [tpe]",
        "x.yaml:7: search: found ['tpe']; allowed: a mapping",
    ),
    "text for a number": (
        "search: {trials_per_cell: many}",
        "x.yaml:7: search.trials_per_cell: found 'many'; allowed: an integer",
    ),
    "a fraction for an integer": (
        "search: {trials_per_cell: 2.5}",
        "x.yaml:7: search.trials_per_cell: found 2.5; allowed: an integer",
    ),
    "a number for text": (
        "protocol: 1",
        "x.yaml:7: protocol: found 1; allowed: split or paper",
    ),
    "a single level without a list": (
        "ablate: {labeled_images: 5}",
        "x.yaml:6: fixed.labeled_images: found also under ablate (x.yaml:7); allowed: one of the two",
        "x.yaml:7: ablate.labeled_images: found 5; allowed: a list",
    ),
    "an empty list of levels": (
        "ablate: {lr: []}",
        "x.yaml:7: ablate.lr: found an empty list; allowed: at least 1 value(s)",
    ),
    "an empty list of values": (
        """\
tune: {lr: {type: choice, values: []}}
search: {trials_per_cell: 2}""",
        "x.yaml:7: tune.lr.values: found an empty list; allowed: at least 1 value(s)",
    ),
    "an empty list of seeds": (
        "replicate: {seeds: []}",
        "x.yaml:7: replicate.seeds: found an empty list; allowed: at least 1 value(s)",
    ),
    "a negative seed": (
        "replicate: {seeds: [0, -1]}",
        "x.yaml:7: replicate.seeds[1]: found -1; allowed: a number of at least 0",
    ),
    "a seed twice": (
        """\
replicate:
  seeds:
    - 0
    - 1
    - 0""",
        "x.yaml:11: replicate.seeds[2]: found 0 a second time, first in place 1 of the list; allowed: once",
    ),
    "no trials": (
        "search: {trials_per_cell: 0}",
        "x.yaml:7: search.trials_per_cell: found 0; allowed: a number of at least 1",
    ),
    "an unknown sampler": (
        "search: {sampler: tpee}",
        "x.yaml:7: search.sampler: found 'tpee'; allowed: tpe, gp, cmaes, random, qmc or grid; did you mean 'tpe'?",
    ),
    "an unknown pruner": (
        "prune: {pruner: medain}",
        (
            "x.yaml:7: prune.pruner: found 'medain'; allowed: median, percentile, successive_halving, "
            "hyperband, patient, threshold or none; did you mean 'median'?"
        ),
    ),
    "a pruner by name only": (
        "prune: median",
        "x.yaml:7: prune: found 'median'; allowed: a mapping with pruner, or none",
    ),
    "a start outside training": (
        "prune: {pruner: median, start: 1.5}",
        "x.yaml:7: prune.start: found 1.5; allowed: a number below 1",
    ),
    "no startup trials": (
        "prune: {pruner: median, startup_trials: 0}",
        "x.yaml:7: prune.startup_trials: found 0; allowed: a number of at least 1",
    ),
    "no cpu": (
        "resources: {cpu: 0}",
        "x.yaml:7: resources.cpu: found 0; allowed: a number above 0",
    ),
    "a negative gpu": (
        "resources: {gpu: -1}",
        "x.yaml:7: resources.gpu: found -1; allowed: a number of at least 0",
    ),
    "one GPU and a half": (
        "resources: {gpu: 1.5}",
        "x.yaml:7: resources.gpu: found 1.5; allowed: a part of one GPU (up to 1), or a whole number of them",
    ),
    "a type of GPU without a GPU": (
        "resources: {accelerator_type: H100}",
        "x.yaml:7: resources.accelerator_type: found 'H100', and trials ask for no GPU; "
        "allowed: with resources.gpu above 0",
    ),
    "a mapping as a level": (
        "ablate: {lr: [0.1, {low: 1}]}",
        "x.yaml:7: ablate.lr[1]: found a mapping; allowed: text, a number, true, false or null",
    ),
    "a key named like a hyperparameter's type": (
        """\
tune: {lr: {type: uniform, low: 0.1, uniform: 1}}
search: {trials_per_cell: 2}""",
        "x.yaml:7: tune.lr.high: missing required key (Upper end, a number above low)",
        "x.yaml:7: tune.lr.uniform: unknown key; allowed: when, type, low, high",
    ),
    "a mapping whose keys are named like types": (
        "search: {arguments: {multivariate: {bool: 3, int: x}}}",
        "x.yaml:7: search.arguments.multivariate: found a mapping; allowed: text, a number, true, false or null",
    ),
    "less cpu than Ray counts": (
        "resources: {cpu: 1e-320}",
        "x.yaml:7: resources.cpu: found 1e-320; allowed: 0.0001 to 1000000",
    ),
    "more cpu than there is anywhere": (
        "resources: {cpu: 1e300, custom: {tpu: 1e300}}",
        "x.yaml:7: resources.cpu: found 1e+300; allowed: 0.0001 to 1000000",
        "x.yaml:7: resources.custom.tpu: found 1e+300; allowed: 0.0001 to 1000000",
    ),
    "cpus as a custom resource": (
        "resources: {custom: {CPU: 4}}",
        "x.yaml:7: resources.custom.CPU: found a resource with a key of its own; allowed: resources.cpu",
    ),
    "a long key": (
        f"{'k' * 900}: 1",
        f"x.yaml:7: {'k' * 57}...: unknown key; allowed: extends, study, trainable, domains, profile, protocol, "
        "baseline, compare, control, ablate, design, tune, fixed, search, prune, replicate, "
        "train, resources, faults, trackers, checkpoints",
    ),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_a_file_of_wrong_form_is_refused_with_its_message(
    broken: tuple[str, ...], mistakes_of: Callable[[str], list[str]]
) -> None:
    text, *expected = broken
    assert mistakes_of(HEAD + text + "\n") == expected


def test_an_unknown_type_of_gpu_is_refused_with_the_nearest_that_ray_knows(
    mistakes_of: Callable[[str], list[str]],
) -> None:
    [mistake] = mistakes_of(HEAD + "resources: {gpu: 1, accelerator_type: H100x}\n")
    assert mistake.startswith("x.yaml:7: resources.accelerator_type: found 'H100x'; allowed: V100, P100, T4,")
    assert mistake.endswith("; did you mean 'H100'?")


def test_types_of_gpus_are_those_that_ray_knows_and_pytorch_calls_cuda_devices() -> None:
    from ray.util.accelerators import accelerators

    ours = {name: value for name, value in vars(accelerators).items() if name.startswith(("NVIDIA", "AMD_INSTINCT"))}
    assert set(get_args(AcceleratorType)) == set(ours.values())
