"""Files whose sampler, pruner, conditions or baseline are wrong, each with its exact message."""

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
    "a grid with tpe": (
        """\
tune: {lr: {type: grid, values: [0.1, 0.2]}}
search: {trials_per_cell: 2}""",
        (
            "x.yaml:7: tune.lr.type: found 'grid', which sampler tpe cannot do; allowed: search.sampler: "
            "grid, or type: choice"
        ),
    ),
    "a range with grid": (
        """\
tune: {lr: {type: uniform, low: 0.1, high: 0.2}}
search: {sampler: grid}""",
        "x.yaml:7: tune.lr.type: found 'uniform', which has no end, with sampler grid; allowed: grid, choice, int",
    ),
    "a choice with cmaes": (
        """\
tune: {lr: {type: choice, values: [0.1, 0.2]}}
search: {sampler: cmaes, trials_per_cell: 2}""",
        (
            "x.yaml:7: tune.lr.type: found 'choice', which has no order for sampler cmaes; allowed: uniform, "
            "log_uniform, int"
        ),
    ),
    "no budget": (
        "tune: {lr: {type: uniform, low: 0.1, high: 0.2}}",
        "x.yaml:7: tune: missing trials_per_cell, without which sampler tpe has no end; allowed: at least 1",
    ),
    "an unknown argument of a sampler": (
        "search: {arguments: {n_startup_trial: 4}}",
        (
            "x.yaml:7: search.arguments.n_startup_trial: unknown argument of sampler tpe; allowed: "
            "prior_weight, n_startup_trials, n_ei_candidates, multivariate, group, "
            "warn_independent_sampling, constant_liar; did you mean 'n_startup_trials'?"
        ),
    ),
    "an argument of another kind": (
        "search: {arguments: {n_startup_trials: four}}",
        "x.yaml:7: search.arguments.n_startup_trials: found 'four'; allowed: an integer",
    ),
    "the seed as an argument": (
        "search: {arguments: {seed: 4}}",
        "x.yaml:7: search.arguments.seed: set by the study; allowed: search.seed",
    ),
    "an unknown argument of a pruner": (
        "prune: {pruner: percentile, arguments: {percentil: 25}}",
        "x.yaml:7: prune.arguments: missing percentile, which pruner percentile needs",
        (
            "x.yaml:7: prune.arguments.percentil: unknown argument of pruner percentile; allowed: "
            "percentile, interval_steps, n_min_trials; did you mean 'percentile'?"
        ),
    ),
    "a percentile above 100": (
        "prune: {pruner: percentile, arguments: {percentile: 250}}",
        "x.yaml:7: prune.arguments.percentile: found 250; allowed: a number of at most 100",
    ),
    "warm-up steps as an argument": (
        "prune: {pruner: median, arguments: {n_warmup_steps: 4, n_startup_trials: 3}}",
        "x.yaml:7: prune.arguments.n_startup_trials: set by the study; allowed: prune.startup_trials",
        "x.yaml:7: prune.arguments.n_warmup_steps: set by the study; allowed: prune.start",
    ),
    "a threshold without one": (
        "prune: {pruner: threshold}",
        "x.yaml:7: prune.arguments: missing lower or upper, one of which pruner threshold needs",
    ),
    "patience around nothing": (
        "prune: {pruner: patient, arguments: {patience: 2}}",
        "x.yaml:7: prune: missing around, the pruner that patient waits for",
    ),
    "patience around patience": (
        """\
prune: {pruner: patient, arguments: {patience: 2}, around: {pruner: patient, arguments: {patience: 1}}}""",
        (
            "x.yaml:7: prune.around.pruner: found 'patient'; allowed: median, percentile, "
            "successive_halving, hyperband, threshold"
        ),
    ),
    "around without patience": (
        "prune: {pruner: median, around: {pruner: median}}",
        "x.yaml:7: prune.around: found with pruner median; allowed: with pruner patient",
    ),
    "a pruner that takes iterations for instances": (
        "prune: {pruner: wilcoxon}",
        "x.yaml:7: prune.pruner: found 'wilcoxon'; allowed: median, percentile, successive_halving, hyperband, "
        "patient, threshold or none",
    ),
    "pruning that comes too late": (
        "prune: {pruner: median, start: 0.9}",
        (
            "x.yaml:7: prune: found 0 evaluation(s) between start (0.9 of 40 iterations) and the end, each "
            "10 iterations; allowed: at least 1 for pruner median, so a smaller start or "
            "train.evaluate_every"
        ),
    ),
    "screening to the end": (
        "search: {screen: 4}",
        "x.yaml:7: search.screen: found 4, but a trial has 4 report(s); allowed: 0 to 3",
    ),
    "screening that goes backwards": (
        "search: {screen: [3, 1]}",
        "x.yaml:7: search.screen: found [3, 1]; allowed: each number above the one before it",
    ),
    "several screenings to the end": (
        "search: {screen: [1, 4]}",
        "x.yaml:7: search.screen: found 4, but a trial has 4 report(s); allowed: 0 to 3",
    ),
    "screening after nothing": (
        "search: {screen: [0, 2]}",
        "x.yaml:7: search.screen[0]: found 0; allowed: a number of at least 1",
    ),
    "finalists of one seed": (
        "search: {finalists: 2}",
        "x.yaml:7: search.finalists: found 2 with one seed that searches; allowed: with several train_seeds",
    ),
    "fewer that go on without screening": (
        "search: {keep: 2}",
        "x.yaml:7: search.keep: found 2 without screen; allowed: with screen",
    ),
    "a condition on nothing": (
        """\
tune:
  lr: {type: uniform, low: 0.1, high: 1, when: {optimizr: [sgd]}}
  optimizer: {type: choice, values: [sgd, adamw]}
search: {trials_per_cell: 2}""",
        (
            "x.yaml:8: tune.lr.when.optimizr: neither a factor nor a hyperparameter; allowed: optimizer; did "
            "you mean 'optimizer'?"
        ),
    ),
    "a condition that never holds": (
        """\
tune:
  lr: {type: uniform, low: 0.1, high: 1, when: {optimizer: [sgd, adam]}}
  optimizer: {type: choice, values: [sgd, adamw]}
search: {trials_per_cell: 2}""",
        (
            "x.yaml:8: tune.lr.when.optimizer[1]: found 'adam'; allowed: values of optimizer: sgd, adamw; "
            "did you mean 'adamw'?"
        ),
    ),
    "a condition on a missing step": (
        """\
tune: {lr: {type: uniform, low: 0.1, high: 1, when: {warmup: [5]}}, warmup: {type: int, low: 0, high: 20, step: 10}}
search: {trials_per_cell: 2}""",
        (
            "x.yaml:7: tune.lr.when.warmup[0]: found 5; allowed: values of tune.warmup: integers from 0 to "
            "20 in steps of 10"
        ),
    ),
    "a condition on a continuous range": (
        """\
tune: {lr: {type: uniform, low: 0.1, high: 1, when: {power: [0.5]}}, power: {type: uniform, low: 0, high: 1}}
search: {trials_per_cell: 2}""",
        "x.yaml:7: tune.lr.when.power[0]: found 0.5; allowed: no single values of tune.power, which is continuous",
    ),
    "conditions in a cycle": (
        """\
tune:
  lr: {type: choice, values: [0.1, 0.2], when: {power: [1]}}
  power: {type: choice, values: [0.9, 1], when: {lr: [0.1]}}
search: {trials_per_cell: 2}""",
        "x.yaml:8: tune.lr.when.power: found a cycle: lr needs power needs lr; allowed: conditions without a cycle",
    ),
    "a condition on itself": (
        """\
tune: {lr: {type: choice, values: [0.1, 0.2], when: {lr: [0.1]}}}
search: {trials_per_cell: 2}""",
        "x.yaml:7: tune.lr.when.lr: found a cycle: lr needs lr; allowed: conditions without a cycle",
    ),
    "a baseline that is no factor": (
        """\
ablate: {optimizer: [sgd, adamw]}
baseline: {optimiser: sgd}""",
        "x.yaml:8: baseline.optimiser: not a factor; allowed: optimizer; did you mean 'optimizer'?",
    ),
    "a baseline level that is not there": (
        """\
ablate: {optimizer: [sgd, adamw]}
baseline: {optimizer: adam}""",
        (
            "x.yaml:8: baseline.optimizer: found 'adam'; allowed: levels of ablate.optimizer: sgd, adamw; "
            "did you mean 'adamw'?"
        ),
    ),
    "too many cells": (
        """\
ablate:
  lr: [1, 2, 3, 4, 5, 6, 7]
  lr_gd: [1, 2, 3, 4, 5, 6, 7]
  lr_sd: [1, 2, 3, 4, 5, 6, 7]
  lambda_gadv: [1, 2, 3, 4, 5, 6, 7]""",
        "x.yaml:7: ablate: found 2401 combinations of levels; allowed: at most 1000",
    ),
    "a condition on a level and a range": (
        """\
ablate: {lr_sd: [0, tuned]}
tune:
  lr_sd: {type: uniform, low: 0.1, high: 1}
  lambda_sd: {type: uniform, low: 0.1, high: 1, when: {lr_sd: [0.5]}}
search: {trials_per_cell: 2}""",
        (
            "x.yaml:10: tune.lambda_sd.when.lr_sd[0]: found 0.5; allowed: levels of ablate.lr_sd: 0, tuned; "
            "no single values of tune.lr_sd, which is continuous"
        ),
    ),
    "a grid without an end": (
        """\
tune: {warmup: {type: int, low: 0, high: 99}, subset_seed: {type: int, low: 0, high: 999}}
search: {sampler: grid}""",
        "x.yaml:7: tune: found a grid of 100000 points; allowed: at most 10000, or another sampler",
    ),
    "a condition on an integer without steps": (
        """\
tune: {warmup: {type: int, low: 0, high: 9, step: 0}, lr: {type: uniform, low: 0, high: 1, when: {warmup: [1]}}}
search: {trials_per_cell: 2}""",
        "x.yaml:7: tune.warmup.step: found 0; allowed: a number above 0",
    ),
    "a cycle beside a chain": (
        """\
tune:
  lr: {type: choice, values: [1], when: {power: [1]}}
  power: {type: choice, values: [1], when: {lr_gd: [1]}}
  lr_gd: {type: choice, values: [1], when: {lr_sd: [1], power: [1]}}
  lr_sd: {type: choice, values: [1]}
search: {trials_per_cell: 2}""",
        "x.yaml:9: tune.power.when.lr_gd: found a cycle: power needs lr_gd needs power; allowed: conditions without a "
        "cycle",
    ),
    "trees of parts that are one": (
        "search: {arguments: {group: true, multivariate: false}}",
        "x.yaml:7: search.arguments: found group: true with multivariate: false, which sampler tpe cannot do; allowed: "
        "one of the two",
    ),
    "two kinds of CMA-ES": (
        "search: {sampler: cmaes, trials_per_cell: 2, arguments: {lr_adapt: true, with_margin: true, popsize: 1}}",
        "x.yaml:7: search.arguments: found lr_adapt: true with with_margin: true, which sampler cmaes cannot do; "
        "allowed: one of the two",
        "x.yaml:7: search.arguments.popsize: found 1; allowed: a number of at least 2",
    ),
    "candidates without end": (
        "search: {arguments: {n_ei_candidates: 999999999999999999}}",
        "x.yaml:7: search.arguments.n_ei_candidates: found 999999999999999999; allowed: a number of at most 10000",
    ),
    "integers without end for a Gaussian process": (
        """\
tune: {warmup: {type: int, low: 0, high: 999999999}}
search: {sampler: gp, trials_per_cell: 2}""",
        "x.yaml:7: tune.warmup: found 1000000000 integers with sampler gp; allowed: at most 100000",
    ),
    "a threshold upside down": (
        "prune: {pruner: patient, arguments: {patience: 1}, around: {pruner: threshold, arguments: {lower: 9, upper: 1}"
        "}}",
        "x.yaml:7: prune.around.arguments.lower: found 9, which is above upper (1); allowed: below",
    ),
    "rungs that Optuna chooses with a bootstrap": (
        "prune: {pruner: successive_halving, arguments: {min_resource: auto, bootstrap_count: 2}}",
        "x.yaml:7: prune.arguments: found min_resource: auto with bootstrap_count, which Optuna cannot do; allowed: "
        "one of the two",
    ),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_a_file_of_parts_that_do_not_fit_is_refused_with_its_message(
    broken: tuple[str, ...], mistakes_of: Callable[[str], list[str]]
) -> None:
    text, *expected = broken
    assert mistakes_of(HEAD + text + "\n") == expected
