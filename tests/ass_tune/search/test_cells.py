"""Which cells a file asks for, which are left out and why, and what is searched in each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ass_tune.search.cells import CellPlan, LeftOut, cells, grid_points
from ass_tune.spec import StudySpec, load
from trainables.words import Cell

ASS = """\
study: s
trainable: ass
domains: streets
profile: laptop
replicate: {seeds: [0, 1, 2]}
train: {iterations: 40, evaluate_every: 10}
"""
Study = Callable[[str], StudySpec]


@pytest.fixture
def study(tmp_path: Path) -> Study:
    def from_text(text: str) -> StudySpec:
        path = tmp_path / "x.yaml"
        path.write_text(ASS + text, encoding="utf-8")
        return load(path)

    return from_text


def names(plans: list[CellPlan]) -> list[str]:
    return [plan.cell.name for plan in plans]


def spaces(plans: list[CellPlan]) -> dict[str, list[str]]:
    return {plan.cell.name: [variable.name for variable in plan.space] for plan in plans}


def points(plan: CellPlan) -> list[dict]:
    return list(grid_points(plan.space))


def test_cells_are_all_combinations_in_file_order(study: Study) -> None:
    plans, left_out = cells(study("ablate:\n  labeled_images: [20, 5]\n  adaptor: [joint, ga]\n"))
    assert names(plans) == [
        "labeled_images=20,adaptor=joint",
        "labeled_images=20,adaptor=ga",
        "labeled_images=5,adaptor=joint",
        "labeled_images=5,adaptor=ga",
    ]
    assert left_out == []


def test_a_study_without_factors_is_one_cell(study: Study) -> None:
    [plan], _ = cells(study("fixed: {adaptor: ga, labeled_images: 5}\n"))
    assert plan == CellPlan(Cell(()), (), points=1, configurations=0, train_seeds=(1000,), replicate_seeds=(0, 1, 2))


def test_undefined_combinations_are_left_out_with_the_reason(study: Study) -> None:
    plans, left_out = cells(study("ablate: {adaptor: [oracle, ga, csa], labeled_images: [0, 5]}\n"))
    assert names(plans) == [
        "adaptor=oracle,labeled_images=5",
        "adaptor=ga,labeled_images=0",
        "adaptor=ga,labeled_images=5",
        "adaptor=csa,labeled_images=5",
    ]
    assert [(cell.cell.name, cell.reason, cell.same_as) for cell in left_out] == [
        (
            "adaptor=oracle,labeled_images=0",
            "undefined: oracle trains on labeled target images only, and labeled_images is 0",
            None,
        ),
        (
            "adaptor=csa,labeled_images=0",
            "undefined: csa aligns classes by the labels of target images, and labeled_images is 0",
            None,
        ),
    ]


def test_cells_that_differ_only_without_effect_are_one(study: Study) -> None:
    plans, left_out = cells(
        study(
            "fixed: {labeled_images: 5}\n"
            "ablate: {adaptor: [joint, csa], lr_sd: [tuned, 0]}\n"
            "tune: {lr_sd: {type: log_uniform, low: 1e-5, high: 1e-3}}\n"
            "search: {trials_per_cell: 4}\n"
        )
    )
    assert spaces(plans) == {
        "adaptor=joint,lr_sd=tuned": [],
        "adaptor=csa,lr_sd=tuned": ["lr_sd"],
        "adaptor=csa,lr_sd=0": [],
    }
    first = Cell((("adaptor", "joint"), ("lr_sd", "tuned")))
    same = "same as adaptor=joint,lr_sd=tuned because lr_sd has no effect with adaptor=joint"
    assert left_out == [LeftOut(Cell((("adaptor", "joint"), ("lr_sd", 0))), same, first)]


def test_several_factors_without_effect_are_all_named(study: Study) -> None:
    text = "fixed: {labeled_images: 5}\nablate: {adaptor: [joint], lr_sd: [0, 1], lr_gd: [0, 1]}\n"
    _, left_out = cells(study(text))
    assert [cell.reason for cell in left_out] == [
        "same as adaptor=joint,lr_sd=0,lr_gd=0 because lr_gd has no effect with adaptor=joint",
        "same as adaptor=joint,lr_sd=0,lr_gd=0 because lr_sd has no effect with adaptor=joint",
        "same as adaptor=joint,lr_sd=0,lr_gd=0 because lr_sd and lr_gd have no effect with adaptor=joint",
    ]


def test_hyperparameters_without_effect_in_a_cell_are_not_searched_there(study: Study) -> None:
    plans, _ = cells(
        study(
            "fixed: {labeled_images: 5}\nablate: {adaptor: [joint, ga, csa, ga+csa]}\n"
            "tune:\n  lambda_sadv: {type: uniform, low: 0, high: 1}\n  lambda_gadv: {type: uniform, low: 0, high: 1}\n"
            "search: {trials_per_cell: 7}\n"
        )
    )
    assert spaces(plans) == {
        "adaptor=joint": [],
        "adaptor=ga": ["lambda_gadv"],
        "adaptor=csa": ["lambda_sadv"],
        "adaptor=ga+csa": ["lambda_sadv", "lambda_gadv"],
    }
    assert [(plan.points, plan.tuning_trials) for plan in plans] == [(1, 0), (None, 7), (None, 7), (None, 7)]


def test_conditions_on_factors_are_decided_per_cell(study: Study) -> None:
    plans, _ = cells(
        study(
            "fixed: {labeled_images: 5}\nablate: {adaptor: [joint, ga]}\n"
            "tune: {warmup: {type: int, low: 0, high: 20, step: 10, when: {adaptor: [ga]}}}\n"
            "search: {sampler: grid}\n"
        )
    )
    assert spaces(plans) == {"adaptor=joint": [], "adaptor=ga": ["warmup"]}
    assert points(plans[1]) == [{"warmup": 0}, {"warmup": 10}, {"warmup": 20}]
    assert plans[1].space[0].when == ()


def test_conditions_on_hyperparameters_stay_and_come_after_what_they_name(study: Study) -> None:
    [plan], _ = cells(
        study(
            "fixed: {labeled_images: 5, adaptor: ga}\n"
            "tune:\n"
            "  momentum: {type: grid, values: [0.8, 0.9], when: {optimizer: [sgd]}}\n"
            "  optimizer: {type: choice, values: [adamw, sgd]}\n"
            "search: {sampler: grid}\n"
        )
    )
    assert [(variable.name, variable.when) for variable in plan.space] == [
        ("optimizer", ()),
        ("momentum", (("optimizer", ("sgd",)),)),
    ]
    assert points(plan) == [
        {"optimizer": "adamw"},
        {"optimizer": "sgd", "momentum": 0.8},
        {"optimizer": "sgd", "momentum": 0.9},
    ]
    assert (plan.points, plan.tuning_trials) == (3, 3)


def test_a_chain_of_conditions_falls_with_its_first_link(study: Study) -> None:
    plans, _ = cells(
        study(
            "fixed: {labeled_images: 5}\nablate: {adaptor: [joint, ga]}\n"
            "tune:\n"
            "  optimizer: {type: choice, values: [sgd, adamw], when: {adaptor: [ga]}}\n"
            "  warmup: {type: choice, values: [0, 10], when: {optimizer: [adamw]}}\n"
            "search: {sampler: grid}\n"
        )
    )
    assert spaces(plans) == {"adaptor=joint": [], "adaptor=ga": ["optimizer", "warmup"]}
    assert points(plans[1]) == [
        {"optimizer": "sgd"},
        {"optimizer": "adamw", "warmup": 0},
        {"optimizer": "adamw", "warmup": 10},
    ]


def test_a_condition_on_a_level_holds_in_the_cells_of_that_level(study: Study) -> None:
    plans, _ = cells(
        study(
            "fixed: {labeled_images: 5, adaptor: csa}\nablate: {lr_sd: [0, 1e-3, tuned]}\n"
            "tune:\n"
            "  lr_sd: {type: uniform, low: 0.1, high: 1}\n"
            "  warmup: {type: choice, values: [0, 10], when: {lr_sd: [0, tuned]}}\n"
            "search: {trials_per_cell: 4}\n"
        )
    )
    assert spaces(plans) == {"lr_sd=0": ["warmup"], "lr_sd=0.001": [], "lr_sd=tuned": ["lr_sd", "warmup"]}


def test_effects_that_depend_on_another_hyperparameter_become_conditions(study: Study) -> None:
    [plan], _ = cells(
        study(
            "fixed: {labeled_images: 5}\n"
            "tune:\n"
            "  lambda_sadv: {type: grid, values: [1, 3]}\n"
            "  adaptor: {type: choice, values: [joint, ga, csa]}\n"
            "search: {sampler: grid}\n"
        )
    )
    assert points(plan) == [
        {"adaptor": "joint"},
        {"adaptor": "ga"},
        {"adaptor": "csa", "lambda_sadv": 1},
        {"adaptor": "csa", "lambda_sadv": 3},
    ]


def test_choices_that_are_undefined_in_a_cell_are_not_searched_there(study: Study) -> None:
    plans, _ = cells(
        study(
            "ablate: {labeled_images: [0, 5]}\n"
            "tune: {adaptor: {type: choice, values: [joint, csa, ga]}}\n"
            "search: {trials_per_cell: 8}\n"
        )
    )
    assert [[point["adaptor"] for point in points(plan)] for plan in plans] == [["joint", "ga"], ["joint", "csa", "ga"]]
    assert [plan.tuning_trials for plan in plans] == [2, 3]


def test_a_budget_below_the_number_of_points_counts(study: Study) -> None:
    text = "fixed: {labeled_images: 5, adaptor: ga}\ntune: {warmup: {type: int, low: 0, high: 40}}\n"
    [plan], _ = cells(study(text + "search: {trials_per_cell: 6}\n"))
    assert (plan.points, plan.tuning_trials) == (41, 6)


def test_a_space_too_large_to_enumerate_counts_as_endless(study: Study) -> None:
    text = "fixed: {labeled_images: 5, adaptor: ga}\ntune: {warmup: {type: int, low: 0, high: 1000000000}}\n"
    [plan], _ = cells(study(text + "search: {trials_per_cell: 6}\n"))
    assert (plan.points, plan.tuning_trials) == (None, 6)


@pytest.mark.parametrize("lr_gd", ["{lr: [1, 2, 3]}", "{lr: [1, 9], momentum: [0.5]}", "{}"])
@pytest.mark.parametrize("lr_sd", ["{lr_gd: [1]}", "{lr: [2, 9], lr_gd: [0, 1]}", "{momentum: [0.5], lr: [3]}"])
def test_points_are_counted_as_they_are_enumerated(study: Study, lr_gd: str, lr_sd: str) -> None:
    text = f"""\
ablate: {{adaptor: [ga, ga+csa], labeled_images: [5, 20], optimizer: [sgd, adamw]}}
tune:
  lr: {{type: int, low: 1, high: 9}}
  momentum: {{type: choice, values: [0, 0.5]}}
  lr_gd: {{type: choice, values: [0, 1, 2], when: {lr_gd}}}
  lr_sd: {{type: choice, values: [0, 1], when: {lr_sd}}}
  lambda_gd: {{type: choice, values: [1, 2]}}
search: {{trials_per_cell: 3}}
"""
    plans, _ = cells(study(text))
    assert [plan.points for plan in plans] == [len(points(plan)) for plan in plans]
    assert len({plan.points for plan in plans}) > 1


def test_a_continuous_space_has_no_grid(study: Study) -> None:
    text = "fixed: {labeled_images: 5, adaptor: ga}\ntune: {lr: {type: uniform, low: 0, high: 1}}\n"
    [plan], _ = cells(study(text + "search: {trials_per_cell: 6}\n"))
    with pytest.raises(ValueError, match="lr is continuous and has no grid"):
        points(plan)
