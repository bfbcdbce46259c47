"""What a study will cost, compared with sums by hand."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from ass_tune.plan import StudyPlan, make_plan
from ass_tune.plan_view import plan_tables
from ass_tune.spec import StudySpec

Spec = Callable[..., StudySpec]
MEDIAN = {"pruner": "median", "start": 0.3, "startup_trials": 2}
COSTS = {
    "seconds_per_iteration": 0.01,
    "seconds_per_report": 0.1,
    "seconds_to_start": 2.0,
    "running_bytes": 1000,
    "finished_bytes": 300,
}
WHOLE_MACHINE = {"cpu": os.cpu_count()}


@pytest.fixture(scope="module")
def _cache_of_round_figures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache with the three kinds of curve trials, really measured, then set to figures that can be summed by hand."""
    from ass_tune.step_time import FILE, measured
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
    assert (plan.sampler, plan.pruner, plan.seeds, plan.protocol) == ("random", "none", (0, 1, 2), "split")


@pytest.mark.usefixtures("nothing_measured")
def test_cells_without_enough_points_cost_less_and_those_left_out_nothing(spec: Spec) -> None:
    tune = {"lambda_sadv": {"type": "grid", "values": [0.1, 1.0, 10.0]}}
    ablate = {"adaptor": ["joint", "ga+csa"], "labeled_images": [0, 5]}
    plan = planned(spec(ablate=ablate, tune=tune, search={"sampler": "grid"}))
    assert [(cell.points, cell.tuning_trials, cell.replicates) for cell in plan.cells] == [
        (1, 1, 2),
        (1, 1, 2),
        (3, 3, 2),
    ]
    [left] = plan.left_out
    assert left["cell"] == "adaptor=ga+csa,labeled_images=0"
    assert left["reason"].startswith("undefined: ")
    assert (plan.tuning_trials, plan.replicates) == (5, 6)


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


@pytest.mark.usefixtures("nothing_measured")
def test_no_more_trials_run_at_once_than_there_are(spec: Spec) -> None:
    one = spec(ablate={}, tune={}, replicate={"seeds": [0]}, resources={"cpu": 0.001})
    assert planned(one).parallel_trials == 1


@pytest.mark.usefixtures("round_figures")
def test_a_plan_survives_json(spec: Spec) -> None:
    for plan in (planned(spec()), planned(spec(ablate={"adaptor": ["ga+csa"], "labeled_images": [0, 5]}))):
        assert StudyPlan.model_validate_json(plan.model_dump_json()) == plan


def shown(plan: StudyPlan) -> str:
    console = Console(file=io.StringIO(), width=160)
    console.print(*plan_tables(plan), sep="\n")
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.usefixtures("round_figures")
def test_the_plan_on_a_terminal(spec: Spec) -> None:
    ablate = {"adaptor": ["ga", "ga+csa"], "labeled_images": [0, 5]}
    text = shown(planned(spec(ablate=ablate, prune=MEDIAN, resources=WHOLE_MACHINE)))
    assert "plan of study driven" in text
    assert "left out: adaptor=ga+csa,labeled_images=0: undefined: " in text
    assert "trials     24: 18 tuning trials and 6 replicates" in text
    assert "iterations 2400, about 1980 after pruning" in text
    assert "time       unknown" in text
    assert (
        "│ adaptor=ga,labeled_images=5     │ lr              │    any │             6 │          2 │            4 s │"
        in text
    )


@pytest.mark.usefixtures("round_figures")
def test_time_and_disk_on_a_terminal(spec: Spec) -> None:
    text = shown(planned(spec(prune=MEDIAN, resources=WHOLE_MACHINE)))
    assert "time       about 3 min with 1 trials at once on this machine" in text
    assert "checkpoints of running trials, two each, at most 2.0 kB; networks" in text
    assert "networks and results at the end at most 14.4 kB" in text
