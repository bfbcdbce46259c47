"""The rows of the catalogue agree with the installed Optuna; a pruner is a row, and so is a sampler."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.pruners import BasePruner
from optuna.trial import FrozenTrial

from ass_tune.plan.study_plan import make_plan
from ass_tune.search.pruners import make_pruner
from ass_tune.search.samplers import make_sampler
from ass_tune.spec import SpecErrors, json_schema, load
from ass_tune.spec.catalogue import ELSEWHERE, PRUNERS, SAMPLERS, PrunerRow, Row, SamplerRow
from trainables.words import Outcome

ROWS: Mapping[str, Row] = {**SAMPLERS, **PRUNERS}
OBJECTS = {"gamma", "weights", "constraints_func", "independent_sampler", "source_trials", "x0"}
DEPRECATED = {"consider_prior", "consider_magic_clip", "consider_endpoints", "restart_strategy", "inc_popsize"}
BY_STUDY = {"n_startup_trials"}


def parameters(name: str) -> Mapping[str, inspect.Parameter]:
    # the points of a grid are drawn by no sampler of Optuna, whose own for grids takes the grid and nothing else
    return {} if name == "grid" else inspect.signature(ROWS[name].optuna_class).parameters


@pytest.mark.parametrize("name", ROWS)
def test_a_row_has_every_argument_that_a_file_can_express(name: str) -> None:
    elsewhere = OBJECTS | DEPRECATED | set(ELSEWHERE) | (BY_STUDY if name in PRUNERS else set())
    assert set(ROWS[name].arguments) == set(parameters(name)) - elsewhere


@pytest.mark.parametrize("name", PRUNERS)
def test_arguments_without_a_default_are_required(name: str) -> None:
    without = [key for key, parameter in parameters(name).items() if parameter.default is inspect.Parameter.empty]
    assert PRUNERS[name].required == tuple(key for key in without if key not in ELSEWHERE)


@pytest.mark.parametrize("name", PRUNERS)
def test_what_other_fields_of_the_file_give_are_arguments_of_the_pruner(name: str) -> None:
    assert set(PRUNERS[name].from_file) <= set(parameters(name))


@pytest.mark.parametrize("name", ROWS)
def test_every_row_has_a_line_of_documentation_that_editors_show(name: str) -> None:
    assert ROWS[name].summary.endswith(".")
    definitions = json_schema()["$defs"]
    for part, key, rows in (("Search", "sampler", SAMPLERS), ("Prune", "pruner", PRUNERS)):
        field = definitions[part]["properties"][key]
        assert dict(zip(field["enum"], field["enumDescriptions"], strict=True)) == {
            known: row.summary for known, row in rows.items()
        }


class StopsAt(BasePruner):
    """Stops every trial at an iteration."""

    def __init__(self, iteration: int, first: int, certain: bool = True) -> None:
        self.iteration, self.first, self.certain = iteration, first, certain

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        assert trial.last_step is not None
        return trial.last_step >= self.iteration


FILE = """
study: added
trainable: curves
domains: synthetic
profile: synthetic
ablate: {adaptor: [joint, ga]}
tune: {lr: {type: uniform, low: 0.01, high: 0.1}}
search: {sampler: %s, trials_per_cell: 6}
prune: {pruner: %s, arguments: {%s}}
train: {iterations: 100, evaluate_every: 10}
"""


def test_a_pruner_is_added_by_one_row_from_the_file_to_the_plan_to_the_study(
    monkeypatch: pytest.MonkeyPatch, write_file: Callable[[str], Path], driven: Callable[..., Any]
) -> None:
    row = PrunerRow(
        f"{__name__}:StopsAt",
        "Stops every trial at an iteration.",
        {"iteration": int, "certain": bool},
        required=("iteration",),
        from_file={"first": "train.evaluate_every"},
        expected_share=lambda given: 1.0 if given.get("certain", True) else 0.0,
    )
    assert sys.modules[__name__].StopsAt is StopsAt
    with pytest.raises(SpecErrors, match=r"found 'stops_at'; allowed: median, percentile, .* or none"):
        load(write_file(FILE % ("random", "stops_at", "iteration: 50")))

    monkeypatch.setitem(PRUNERS.ours, "stops_at", row)
    assert json_schema()["$defs"]["Prune"]["properties"]["pruner"]["enum"][-1] == "stops_at"
    with pytest.raises(SpecErrors, match="missing iteration, which pruner stops_at needs"):
        load(write_file(FILE % ("random", "stops_at", "")))
    with pytest.raises(SpecErrors, match=r"unknown argument of pruner stops_at; .*did you mean 'iteration'"):
        load(write_file(FILE % ("random", "stops_at", "iteration: 50, iteratoin: 50")))

    spec = load(write_file(FILE % ("random", "stops_at", "iteration: 50")))
    plan = make_plan(spec, None, measure=False)
    assert (plan.iterations, plan.iterations_expected) == (2 * 7 * 100, 2 * 7 * 100 - 2 * 5 * 90)
    pruner = make_pruner(spec)
    assert isinstance(pruner, StopsAt)
    assert (pruner.iteration, pruner.first, pruner.certain) == (50, 10, True)
    ends = driven(spec).run().ends().values()
    # the first trial of a cell is judged by nobody: prune.startup_trials is 1; and no replicate is
    assert (
        sorted((end.outcome, end.iteration) for end in ends)
        == [(Outcome.FINISHED, 100)] * 4 + [(Outcome.PRUNED, 50)] * 10
    )


def test_a_sampler_is_added_by_one_row(
    monkeypatch: pytest.MonkeyPatch, write_file: Callable[[str], Path], driven: Callable[..., Any]
) -> None:
    monkeypatch.setitem(SAMPLERS.ours, "again", SamplerRow("optuna.samplers:RandomSampler", "Random points."))
    spec = load(write_file(FILE % ("again", "median", "")))
    assert isinstance(make_sampler("again", {}, 0, "adaptor=ga", 0), optuna.samplers.RandomSampler)
    assert len(driven(spec).run().trials()) == 2 * 7
