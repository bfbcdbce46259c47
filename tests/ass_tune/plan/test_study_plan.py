"""What a study will cost, compared with sums by hand."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from ass_tune.plan.gpus import gpus_here
from ass_tune.plan.study_plan import StudyPlan, check_memory, make_plan
from ass_tune.spec import StudySpec, load
from ass_tune.terminal.plan_view import plan_tables
from tests.support.driver import answer_as_driver
from trainables.mistakes import UserMistake

Spec = Callable[..., StudySpec]
MEDIAN = {"pruner": "median", "start": 0.3, "startup_trials": 2}
COSTS = {
    "seconds_per_iteration": 0.01,
    "seconds_per_report": 0.1,
    "seconds_to_start": 2.0,
    "running_bytes": 1000,
    "finished_bytes": 300,
    "device_bytes": 5e9,
}
WHOLE_MACHINE = {"cpu": os.cpu_count()}


@pytest.fixture(scope="module")
def _cache_of_round_figures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache with the three kinds of curve trials, really measured, then set to figures that can be summed by hand."""
    from ass_tune.plan.step_time import FILE, measured
    from trainables.curves import CurvesConfig

    folder = tmp_path_factory.mktemp("round")
    length = {"domains": "synthetic", "profile": "synthetic", "seed": 0, "iterations": 10, "evaluate_every": 10}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASS_CACHE", str(folder))
        configs = [CurvesConfig(**length, adaptor=adaptor) for adaptor in ("joint", "ga", "ga+csa")]
        measured("curves", configs, WHOLE_MACHINE["cpu"] or 1, None)
    times = json.loads((folder / FILE).read_text())
    assert len(times) == 3
    (folder / FILE).write_text(json.dumps(dict.fromkeys(times, COSTS)))
    yield folder


@pytest.fixture
def round_figures(_cache_of_round_figures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASS_CACHE", str(_cache_of_round_figures))


@pytest.fixture
def nothing_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASS_CACHE", str(tmp_path / "empty"))


@pytest.fixture
def two_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine with GPUs of 8 and 24 GiB."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    answer_as_driver(tmp_path / "driver", monkeypatch, "GPU-a, 8192", "GPU-b, 24576")
    yield
    gpus_here.cache_clear()


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    gpus_here.cache_clear()
    yield
    gpus_here.cache_clear()


def planned(spec: StudySpec) -> StudyPlan:
    return make_plan(spec, None, measure=False)


@pytest.mark.usefixtures("nothing_measured")
def test_trials_and_iterations_are_those_of_the_cells(spec: Spec) -> None:
    plan = planned(spec())
    assert (plan.tuning_trials, plan.replicates, plan.iterations) == (6 * 6, 6 * 2, (36 + 12) * 100)
    assert plan.iterations_expected == plan.iterations
    assert [cell.cell for cell in plan.cells][::2] == [
        f"adaptor={adaptor},labeled_images=5" for adaptor in ("joint", "ga", "ga+csa")
    ]
    assert [cell.tuned for cell in plan.cells][::2] == [("lr",), ("lr",), ("lambda_sadv", "lr")]
    assert {cell.points for cell in plan.cells} == {None}
    assert (plan.sampler, plan.pruner, plan.protocol) == ("random", "none", "split")
    assert (plan.train_seeds, plan.seeds) == ((1000,), (0, 1))


@pytest.mark.usefixtures("nothing_measured")
def test_cells_without_enough_points_cost_less_and_those_left_out_nothing(spec: Spec) -> None:
    tune = {"lambda_sadv": {"type": "grid", "values": [0.1, 1.0, 10.0]}}
    ablate = {"adaptor": ["joint", "ga+csa"], "labeled_images": [0, 5]}
    plan = planned(spec(ablate=ablate, tune=tune, search={"sampler": "grid"}))
    assert [(cell.points, cell.tuning_trials, cell.replicates) for cell in plan.cells] == [
        (1, 0, 2),
        (1, 0, 2),
        (3, 3, 2),
    ]
    [left] = plan.left_out
    assert left["cell"] == "adaptor=ga+csa,labeled_images=0"
    assert left["reason"].startswith("undefined: ")
    assert (plan.tuning_trials, plan.replicates) == (3, 6)


@pytest.mark.usefixtures("nothing_measured")
def test_with_several_seeds_a_pruned_configuration_saves_its_further_trials(spec: Spec) -> None:
    search = {"sampler": "random", "trials_per_cell": 6, "train_seeds": [7, 8, 9]}
    plan = planned(spec(prune=MEDIAN, search=search))
    assert {(cell.configurations, cell.tuning_trials) for cell in plan.cells} == {(6, 18)}
    assert (plan.tuning_trials, plan.replicates, plan.iterations) == (6 * 18, 6 * 2, (108 + 12) * 100)
    assert plan.iterations_expected == plan.iterations - 6 * 4 * 0.5 * (300 - 30)
    text = shown(plan)
    assert "trials     120: 108 tuning trials (36 configurations x 3 seeds) and 12 replicates" in text
    assert "search     sampler random, pruner median, seeds 7, 8, 9" in text
    assert "table      seeds 0, 1\n" in text
    assert ["ga", "5", "lr", "any", "6", "x", "3", "2", "?"] in [line.split() for line in text.splitlines()]


@pytest.mark.usefixtures("nothing_measured")
def test_the_plan_says_how_many_finalists_there_are(spec: Spec) -> None:
    search = {"sampler": "random", "trials_per_cell": 6, "train_seeds": [7, 8, 9], "finalists": 2}
    plan = planned(spec(search=search))
    assert {(cell.configurations, cell.tuning_trials) for cell in plan.cells} == {(6, 10)}
    best = "the best 2 of each cell under 2 more"
    assert f"72: 60 tuning trials (36 configurations under one seed, {best}) and 12 replicates" in lines(shown(plan))
    assert ["ga", "5", "lr", "any", "6", "+", "2", "x", "2", "2", "?"] in [
        line.split() for line in shown(plan).splitlines()
    ]


@pytest.mark.usefixtures("nothing_measured")
def test_the_primary_comparisons_are_part_of_the_plan(spec: Spec) -> None:
    ablate = {"adaptor": ["joint", "ga", "ga+csa"], "labeled_images": [0, 5]}
    pairs = [{"ours": {"adaptor": ours}, "theirs": {"adaptor": "ga"}} for ours in ("ga+csa", "joint")]
    plan = planned(spec(ablate=ablate, compare={"pairs": pairs, "smallest_difference": 0.5}))
    read = json.loads(plan.model_dump_json())
    wanted = [("ga+csa", 5), ("joint", 0), ("joint", 5)]
    assert read["comparisons"] == [
        {
            "ours": f"adaptor={ours},labeled_images={labels}",
            "theirs": f"adaptor=ga,labeled_images={labels}",
            "control": None,
        }
        for ours, labels in wanted
    ]
    assert read["smallest_difference"] == 0.5
    text = shown(plan)
    assert "primary: adaptor=ga+csa over adaptor=ga, at labels=5\n" in lines(text)
    assert "primary: adaptor=joint over adaptor=ga, at labels=0 | labels=5\n" in lines(text)
    assert "not compared: adaptor=ga+csa,labeled_images=0 over adaptor=ga,labeled_images=0: adaptor=ga+csa" in text
    assert "compared   3 primary comparisons; smallest difference of interest 0.5 mIoU" in text
    many = planned(spec(ablate={"labeled_images": list(range(20))}, baseline={"labeled_images": 0}))
    assert "primary: and 7 more, which --plan --json lists" in shown(many)


@pytest.mark.usefixtures("nothing_measured")
def test_cells_that_equal_another_and_comparisons_at_several_budgets_are_a_line_each() -> None:
    file = Path(__file__).parents[3] / "search_spaces/table1_streets.yaml"
    text = lines(shown(planned(load(file, ["ablate.adaptor=[ga, ga+fcsa, ga+csa]"]))))
    assert "left out: 3 cells equal to another: lr_sd has no effect with adaptor=ga\n" in text
    for adaptor in ("ga+fcsa", "ga+csa"):
        over = f"adaptor={adaptor} lr_sd=0.001 over adaptor=ga, and over its control lr_sd=0"
        assert f"primary: {over}, at labels=5 | labels=20 | labels=200\n" in text
    assert text.count("primary: ") == 2


@pytest.mark.usefixtures("nothing_measured")
def test_under_the_papers_protocol_the_first_seed_of_the_table_searches_and_the_plan_says_so(spec: Spec) -> None:
    plan = planned(spec(protocol="paper"))
    assert (plan.train_seeds, plan.seeds) == ((0,), (0, 1))
    assert (plan.tuning_trials, plan.replicates) == (36, 6)
    assert "table      seeds 0, 1; the first one also searches" in shown(plan)


@pytest.mark.usefixtures("nothing_measured")
@pytest.mark.parametrize(
    ("prune", "saved"),
    [
        (MEDIAN, 4 * 0.5 * 70),
        ({**MEDIAN, "start": 0.35}, 4 * 0.5 * 60),
        ({**MEDIAN, "startup_trials": 5}, 1 * 0.5 * 70),
        ({**MEDIAN, "startup_trials": 50}, 0),
        ({**MEDIAN, "start": 0.99}, 0),
        ({**MEDIAN, "pruner": "percentile", "arguments": {"percentile": 75.0}}, 4 * 0.25 * 70),
        ({**MEDIAN, "pruner": "successive_halving"}, 4 * 0.75 * 70),
        ({**MEDIAN, "pruner": "successive_halving", "arguments": {"reduction_factor": 2}}, 4 * 0.5 * 70),
        ({**MEDIAN, "pruner": "threshold", "arguments": {"lower": 1.0}}, 0),
    ],
    ids=str,
)
def test_expected_pruning(spec: Spec, prune: dict[str, Any], saved: float) -> None:
    plan = planned(spec(prune=prune))
    assert plan.iterations_expected == 4800 - 6 * saved


@pytest.mark.usefixtures("nothing_measured")
@pytest.mark.parametrize("finalists", [None, 1, 3])
@pytest.mark.parametrize("keep", [None, 1, 2, 4, 9])
@pytest.mark.parametrize("screen", [2, [1, 3, 5]], ids=str)
def test_screening_and_finalists_cost_what_the_plan_says(
    spec: Spec, driven: Callable, keep: int | None, finalists: int | None, screen: int | list[int]
) -> None:
    search = {"sampler": "random", "trials_per_cell": 6, "train_seeds": [7, 8, 9], "screen": screen}
    wanted = spec(search={**search, "keep": keep, "finalists": finalists})
    study = driven(wanted).run(3)
    entries = [entry for one in study.searches for entry in (*one.tuning_entries(), *one.replicate_entries())]
    assert planned(wanted).iterations_expected == sum(entry.last_iteration for entry in entries)


@pytest.mark.usefixtures("round_figures")
def test_trials_that_wait_keep_their_checkpoints(spec: Spec) -> None:
    for screen, kept in ((0, 0), (1, 1), (2, 2), (5, 2), ([1], 1), ([1, 3], 2)):
        plan = planned(spec(search={"trials_per_cell": 6, "screen": screen}, resources=WHOLE_MACHINE))
        assert plan.bytes_while_running == 2 * 1000 + kept * 6 * 6 * 1000


@pytest.mark.usefixtures("nothing_measured")
def test_trials_of_one_report_cannot_be_pruned(spec: Spec) -> None:
    plan = planned(spec(prune={"pruner": "median"}, train={"iterations": 100, "evaluate_every": 100}))
    assert plan.iterations_expected == plan.iterations


@pytest.mark.usefixtures("nothing_measured")
def test_nothing_measured_means_nothing_said(spec: Spec) -> None:
    plan = planned(spec())
    assert (plan.seconds_expected, plan.bytes_while_running, plan.bytes_at_the_end) == (None, None, None)
    assert {cell.seconds_per_trial for cell in plan.cells} == {None}


@pytest.mark.usefixtures("round_figures")
def test_time_and_disk_are_sums_of_what_was_measured(spec: Spec) -> None:
    plan = planned(spec(prune=MEDIAN, resources=WHOLE_MACHINE))
    assert plan.parallel_trials == 1
    assert {cell.seconds_per_trial for cell in plan.cells} == {2 + 100 * 0.01 + 10 * 0.1}
    assert plan.seconds_expected == pytest.approx(48 * 4 - 6 * 140 * 0.01)
    assert plan.bytes_while_running == 2 * 1000
    assert plan.bytes_at_the_end == 48 * 300


@pytest.mark.usefixtures("round_figures")
def test_one_trial_of_an_unmeasured_kind_leaves_the_time_unknown(spec: Spec) -> None:
    plan = planned(spec(ablate={"adaptor": ["ga"], "labeled_images": [0, 5]}, resources=WHOLE_MACHINE))
    assert [cell.seconds_per_trial for cell in plan.cells] == [None, 4.0]
    assert (plan.seconds_expected, plan.bytes_at_the_end) == (None, None)


@pytest.mark.usefixtures("round_figures")
def test_hours_count_what_trials_occupy_evaluations_included(spec: Spec) -> None:
    plan = planned(spec(prune=MEDIAN, resources=WHOLE_MACHINE))
    cores = os.cpu_count() or 1
    assert plan.cpu_hours == pytest.approx(48 * 4 * cores / 3600)
    assert plan.cpu_hours_expected == pytest.approx((48 * 4 - 6 * 140 * 0.01) * cores / 3600)
    assert (plan.gpu_hours, plan.gpu_hours_expected) == (0, 0)


@pytest.mark.usefixtures("nothing_measured", "two_gpus")
def test_with_a_given_step_time_hours_are_those_of_training_and_nothing_is_measured(spec: Spec) -> None:
    half = spec(prune=MEDIAN, resources={"gpu": 0.5, "cpu": 0.1})
    plan = make_plan(half, None, measure=True, step_time=36.0)
    assert plan.step_time == 36.0
    assert plan.gpu_hours == pytest.approx(48 * 100 * 36 / 3600 * 0.5)
    assert plan.gpu_hours_expected == pytest.approx((4800 - 6 * 140) * 36 / 3600 * 0.5)
    assert plan.cpu_hours == pytest.approx(48 * 100 * 36 / 3600 * 0.1)
    assert {cell.seconds_per_trial for cell in plan.cells} == {3600}
    assert plan.parallel_trials == 4
    assert plan.seconds_expected == pytest.approx((4800 - 6 * 140) * 36 / 4)
    unknown = (plan.seconds_between_reports, plan.bytes_while_running, plan.bytes_at_the_end, plan.device_bytes)
    assert unknown == (None,) * 4
    assert StudyPlan.model_validate_json(plan.model_dump_json()).model_dump() == plan.model_dump()


@pytest.mark.usefixtures("nothing_measured", "two_gpus")
@pytest.mark.parametrize(("share", "trials"), [(0.1, 20), (0.3, 6), (0.6, 2), (1, 2), (2, 1), (4, 0)])
def test_as_many_trials_run_at_once_as_fit_on_the_gpus(spec: Spec, share: float, trials: int) -> None:
    plan = make_plan(spec(resources={"gpu": share, "cpu": 0.01}), None, measure=True, step_time=1.0)
    assert plan.parallel_trials == trials
    assert (plan.seconds_expected is None) == (trials == 0)
    assert plan.gpu_hours == pytest.approx(4800 / 3600 * share)


@pytest.mark.usefixtures("nothing_measured", "no_gpu")
def test_a_step_that_cannot_be_measured_leaves_a_plan_that_says_why_and_what_to_do(spec: Spec) -> None:
    plan = make_plan(spec(resources={"gpu": 1}), None, measure=True)
    assert plan.not_measured == "a trial asks for a GPU, and this machine has none to measure it on"
    assert (plan.tuning_trials, plan.gpu_hours, plan.parallel_trials) == (36, None, 0)
    text = shown(plan)
    assert "GPU-hours  unknown: nothing was measured" in text
    assert "no trial runs on this machine: it has fewer GPUs than the 1 that one asks for" in text
    assert f"No step could be measured here: {plan.not_measured}" in text
    assert "--plan --step-time SECONDS" in text

    plan = make_plan(spec(fixed={"fail_at": 4}), None, measure=True)
    assert plan.not_measured == "RuntimeError: asked to fail at iteration 4"
    assert "CPU-hours  unknown: nothing was measured" in shown(plan)


@pytest.mark.usefixtures("round_figures", "two_gpus")
def test_a_trial_is_held_against_its_share_of_the_smallest_gpu(spec: Spec) -> None:
    for resources in (WHOLE_MACHINE, {**WHOLE_MACHINE, "gpu": 1}):
        check_memory(planned(spec(resources=resources)))
    with pytest.raises(UserMistake, match=r"needs about 5\.8 GB .* resources\.gpu: 0\.5 of 8\.6 GB is 4\.3 GB"):
        check_memory(planned(spec(resources={**WHOLE_MACHINE, "gpu": 0.5})))


@pytest.mark.usefixtures("nothing_measured")
def test_no_more_trials_run_at_once_than_there_are(spec: Spec) -> None:
    one = spec(ablate={}, tune={}, replicate={"seeds": [0]}, resources={"cpu": 0.001})
    assert planned(one).parallel_trials == 1


@pytest.mark.usefixtures("round_figures")
def test_a_plan_survives_json(spec: Spec) -> None:
    for plan in (planned(spec()), planned(spec(ablate={"adaptor": ["ga+csa"], "labeled_images": [0, 5]}))):
        assert StudyPlan.model_validate_json(plan.model_dump_json()).model_dump() == plan.model_dump()


def shown(plan: StudyPlan) -> str:
    console = Console(file=io.StringIO(), width=160)
    console.print(*plan_tables(plan, 160), sep="\n")
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def lines(text: str) -> str:
    """Without the blanks that fill lines."""
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


@pytest.mark.usefixtures("round_figures")
def test_the_plan_on_a_terminal(spec: Spec) -> None:
    ablate = {"adaptor": ["ga", "ga+csa"], "labeled_images": [0, 5]}
    text = shown(planned(spec(ablate=ablate, prune=MEDIAN, resources=WHOLE_MACHINE)))
    assert "plan of study driven" in text
    assert "left out: adaptor=ga+csa,labeled_images=0: undefined: " in text
    assert "trials     24: 18 tuning trials and 6 replicates" in text
    assert "iterations 2400, about 1980 after pruning" in text
    assert "CPU-hours  unknown: --plan measures a few training steps of each kind of trial" in text
    assert "time       unknown" in text
    assert ["ga", "5", "lr", "any", "6", "2", "4", "s"] in [line.split() for line in text.splitlines()]


@pytest.mark.usefixtures("round_figures")
def test_where_nothing_is_pruned_the_plan_has_one_number(spec: Spec) -> None:
    text = shown(planned(spec(prune={"pruner": "none"}, resources=WHOLE_MACHINE)))
    assert re.search(r"iterations \d+\n", lines(text))
    assert " after pruning" not in text
    kept = {"sampler": "random", "trials_per_cell": 6, "screen": [1, 3], "keep": 2}
    text = shown(planned(spec(prune={"pruner": "none"}, search=kept, resources=WHOLE_MACHINE)))
    assert " after pruning" in text
    assert "screened for 1, the better half for 3 reports with the best 2 kept" in text


@pytest.mark.usefixtures("round_figures")
def test_time_and_disk_on_a_terminal(spec: Spec) -> None:
    text = shown(planned(spec(prune=MEDIAN, resources=WHOLE_MACHINE)))
    assert "time       about 3 min with 1 trials at once on this machine" in text
    assert " after pruning; evaluations included" in text
    assert "memory     tensors of one trial about 5.0 GB at most" in text
    assert "checkpoints of running trials, two each, at most 2.0 kB; networks" in text
    assert "networks and results at the end at most 14.4 kB" in text


@pytest.mark.usefixtures("nothing_measured", "two_gpus")
def test_gpu_hours_of_a_given_step_time_on_a_terminal(spec: Spec) -> None:
    text = shown(make_plan(spec(prune=MEDIAN, resources={"gpu": 1}), None, measure=True, step_time=0.75))
    assert (
        "GPU-hours  1, about 0.825 after pruning; "
        "training alone, at 0.75 s an iteration: 10 evaluations of every trial come on top" in text
    )
    assert "memory" not in text
    assert "disk       unknown: nothing was measured" in text
