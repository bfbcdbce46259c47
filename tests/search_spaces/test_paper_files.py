"""The search spaces at the paper's scale: they are the paper's tables, and the study that it should have been."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ass_tune.plan.study_plan import StudyPlan, make_plan
from ass_tune.search.cells import CellPlan, LeftOut, cells, grid_points
from ass_tune.search.identity import build_config, trial_key
from ass_tune.spec import StudySpec, load

PAPER = Path(__file__).parents[2] / "search_spaces" / "paper"
TABLES = {"table1_gta5": 25, "table2_fcsa": 8, "table2_csa": 4, "table3_synthia": 19}
"""Numbers that each table prints."""
BUDGETS = (0, 50, 100, 200, 500, 1000, 2975)
NEEDS_LABELS = "trains on labeled target images only, and labeled_images is 0"


def study(name: str) -> tuple[StudySpec, list[CellPlan], list[LeftOut]]:
    spec = load(PAPER / f"{name}.yaml")
    return spec, *cells(spec)


def planned(name: str, step_time: float) -> StudyPlan:
    return make_plan(load(PAPER / f"{name}.yaml"), None, measure=True, step_time=step_time)


def levels(plans: list[CellPlan]) -> list[dict[str, Any]]:
    return [dict(plan.cell.factors) for plan in plans]


def configs(name: str) -> list[dict[str, Any]]:
    """What the trials of a table train with."""
    spec, kept, _ = study(name)
    return [build_config(spec, plan.cell, next(grid_points(plan.space)), 0).model_dump() for plan in kept]


def keys(name: str) -> set[str]:
    spec, kept, _ = study(name)
    return {trial_key(build_config(spec, plan.cell, next(grid_points(plan.space)), 0)) for plan in kept}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_one_trial_for_each_number_that_it_prints(name: str) -> None:
    plan = planned(name, step_time=0.36)
    assert (plan.tuning_trials, plan.replicates, len(plan.cells)) == (0, TABLES[name], TABLES[name])
    assert plan.gpu_hours == plan.gpu_hours_expected == pytest.approx(TABLES[name] * 150_000 * 0.36 / 3600)
    assert plan.protocol == "paper"
    assert plan.step_time == 0.36


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_trained_as_the_paper_and_adaptsegnet_do(name: str) -> None:
    for config in configs(name):
        assert (config["iterations"], config["schedule_iterations"], config["power"]) == (150_000, 250_000, 0.9)
        assert (config["optimizer"], config["lr"], config["momentum"], config["weight_decay"]) == (
            *("sgd", 2.5e-4),
            *(0.9, 5e-4),
        )
        assert (config["lr_gd"], config["lr_sd"], config["lambda_gadv"]) == (1e-4, 1e-4, 0.001)
        assert (config["source_batch"], config["labeled_batch"], config["unlabeled_batch"]) == (1, 1, 1)
        assert (config["network"], config["dtype"]) == ("deeplab_v2", "float32")


def test_table_1_has_every_adaptor_at_every_budget_but_where_there_is_nothing_to_train_on() -> None:
    _, kept, left_out = study("table1_gta5")
    printed = [
        {"adaptor": adaptor, "labeled_images": budget}
        for adaptor in ("oracle", "ga", "ga+fcsa", "ga+csa")
        for budget in BUDGETS
        if budget or adaptor == "ga"
    ]
    assert levels(kept) == printed
    assert {left.cell.name: left.reason.split(": ")[1] for left in left_out} == {
        "adaptor=oracle,labeled_images=0": f"oracle {NEEDS_LABELS}",
        "adaptor=ga+fcsa,labeled_images=0": "ga+fcsa aligns classes by the labels of target images, "
        "and labeled_images is 0",
        "adaptor=ga+csa,labeled_images=0": "ga+csa aligns classes by the labels of target images, "
        "and labeled_images is 0",
    }


def test_table_1_takes_the_lambdas_that_are_best_in_table_2_and_shares_those_trials() -> None:
    used = {config["adaptor"]: config["lambda_sadv"] for config in configs("table1_gta5")}
    assert (used["ga+fcsa"], used["ga+csa"]) == (0.04, 0.01)
    assert len(keys("table1_gta5") & keys("table2_fcsa")) == 2
    assert len(keys("table1_gta5") & keys("table2_csa")) == 1


def test_table_2_has_the_lambdas_of_each_module() -> None:
    fcsa = [(config["labeled_images"], config["lambda_sadv"]) for config in configs("table2_fcsa")]
    assert fcsa == [(budget, value) for budget in (100, 500) for value in (1, 0.2, 0.04, 0.008)]
    csa = [(config["adaptor"], config["labeled_images"], config["lambda_sadv"]) for config in configs("table2_csa")]
    assert csa == [("ga+csa", 500, value) for value in (1, 0.1, 0.01, 0.001)]


def test_table_3_is_table_1_from_synthia_without_fcsa() -> None:
    first, third = configs("table1_gta5"), configs("table3_synthia")
    expected = [{**config, "domains": "synthia-cityscapes"} for config in first if config["adaptor"] != "ga+fcsa"]
    assert third == expected


def test_beyond_the_paper_every_cell_is_tuned_and_nothing_is_judged_on_what_chose_it() -> None:
    spec, kept, left_out = study("beyond_paper")
    assert (spec.protocol, spec.profile, spec.replicate.seeds) == ("split", "paper-fast", (0, 1, 2, 3, 4))
    assert {(plan.tuning_trials, plan.replicates) for plan in kept} == {(6, 5)}
    assert all("lr" in {variable.name for variable in plan.space} for plan in kept)
    assert {left.cell.name.split(",")[0] for left in left_out} == {"adaptor=oracle", "adaptor=joint", "adaptor=ga"}
    plan = planned("beyond_paper", step_time=0.36)
    trials = 7 * 3 * 11
    assert plan.gpu_hours == pytest.approx(trials * 15)
    assert plan.gpu_hours_expected is not None
    assert 0.9 < plan.gpu_hours_expected / (trials * 15) < 0.96


def test_beyond_the_paper_a_gain_must_beat_the_same_cell_with_an_untrained_discriminator() -> None:
    plan = planned("beyond_paper", step_time=0.36)
    assert len(plan.comparisons) == 2 * 3
    for pair in plan.comparisons:
        assert pair.theirs == pair.ours.replace("+fcsa", "").replace("+csa", "")
        assert pair.control == pair.ours.replace("lr_sd=0.0001", "lr_sd=0")
