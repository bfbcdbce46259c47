"""Which cells the designs have, and what they compare: all combinations, or one factor at a time."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from analysis.conclusions import conclusions
from analysis.statistics.gains import Judged
from analysis.statistics.verdict import Verdict
from analysis.study import Study
from ass_tune.plan.comparisons import primary_comparisons
from ass_tune.plan.study_plan import make_plan
from ass_tune.search.cells import cells
from ass_tune.spec import StudySpec
from ass_tune.spec.space import all_cells, count_cells
from ass_tune.terminal.plan_view import plan_tables
from tests.support.synthetic import Made, MemoryFiles, made_study

SPEC: dict[str, Any] = {
    "study": "designed",
    "trainable": "curves",
    "domains": "synthetic",
    "profile": "synthetic",
    "baseline": {"adaptor": "joint", "noise": 1.0},
    "ablate": {"adaptor": ["ga", "joint", "ga+csa"], "labeled_images": [5, 50], "noise": [1, 0.5, 2.0]},
    "train": {"iterations": 40, "evaluate_every": 10},
}
TWO = {"adaptor": ["joint", "ga+csa"], "labeled_images": [50], "noise": [1, 0.5]}


def spec(**sections: Any) -> StudySpec:
    return StudySpec.model_validate({**SPEC, **sections})


def levels(study: StudySpec) -> list[tuple[Any, ...]]:
    return [tuple(level for _, level in cell.factors) for cell in all_cells(study)]


def compared(study: StudySpec) -> list[tuple[str, str, str | None]]:
    kept, left_out = cells(study)
    made, missing = primary_comparisons(study, [plan.cell for plan in kept], left_out)
    assert missing == ()
    return [(one.ours, one.theirs, one.control) for one in made]


def test_one_at_a_time_has_the_baseline_and_every_other_level_alone_at_each_number_of_labels() -> None:
    alone = [("ga", 1), ("joint", 1), ("joint", 0.5), ("joint", 2.0), ("ga+csa", 1)]
    found = levels(spec(design="one_at_a_time"))
    assert [(adaptor, noise) for adaptor, labels, noise in found if labels == 5] == alone
    assert len(found) == 10
    assert [found for found in levels(spec()) if found in set(levels(spec(design="one_at_a_time")))] == found


def test_each_level_is_compared_with_the_baseline_alone() -> None:
    made = compared(spec(design="one_at_a_time"))
    assert len(made) == 8
    for ours, theirs, _ in made:
        assert theirs in {f"adaptor=joint,labeled_images={labels},noise=1" for labels in (5, 50)}
        differing = [one for one, other in zip(ours.split(","), theirs.split(","), strict=True) if one != other]
        assert len(differing) == 1


def test_leave_one_out_has_the_whole_method_and_it_without_each_part() -> None:
    study = spec(design="leave_one_out", ablate=TWO)
    assert levels(study) == [("joint", 50, 0.5), ("ga+csa", 50, 1), ("ga+csa", 50, 0.5)]
    whole = "adaptor=ga+csa,labeled_images=50,noise=0.5"
    assert [theirs for _, theirs, _ in compared(study)] == [whole, whole]


def test_a_control_of_a_factor_outside_the_baseline_stays_with_its_cell() -> None:
    ablate = {"adaptor": ["joint", "ga+csa"], "labeled_images": [5], "noise": [1, 2.0], "lambda_sadv": [0.1, 1.0]}
    made = compared(spec(design="one_at_a_time", ablate=ablate, control={"lambda_sadv": 0.1}))
    controlled = [(ours, control) for ours, _, control in made if control is not None]
    assert all(control == ours.replace("lambda_sadv=1.0", "lambda_sadv=0.1") for ours, control in controlled)
    assert controlled


def test_a_pair_outside_the_design_is_told() -> None:
    pairs = [{"ours": {"adaptor": "ga+csa", "noise": 1}, "theirs": {"adaptor": "joint"}}]
    study = spec(design="leave_one_out", ablate=TWO, compare={"pairs": pairs})
    kept, left_out = cells(study)
    made, (missing,) = primary_comparisons(study, [plan.cell for plan in kept], left_out)
    assert made == ()
    assert missing.reason == "adaptor=joint,labeled_images=50,noise=1 is not in the design leave_one_out"


def test_many_factors_make_few_cells() -> None:
    ablate = {
        "adaptor": ["joint", "ga"],
        "noise": [1.0, *(n / 100 for n in range(99))],
        "lr": [n / 1e4 for n in range(1, 99)],
    }
    study = spec(design="one_at_a_time", ablate=ablate, baseline={"adaptor": "joint", "noise": 1.0, "lr": 0.0001})
    assert len(list(all_cells(study))) == 1 + 1 + 99 + 97
    assert count_cells(study) < 250 < 10_000 < count_cells(spec(ablate=ablate))


def test_the_plan_names_the_design_and_counts_its_cells_alone() -> None:
    plan = make_plan(spec(design="one_at_a_time"), None, measure=False, step_time=0.1)
    assert (plan.design, len(plan.cells), plan.replicates, len(plan.comparisons)) == ("one_at_a_time", 10, 10, 8)
    assert plan_tables(plan, 120)


@pytest.mark.parametrize(("design", "reference"), [("one_at_a_time", ("joint", "1")), ("leave_one_out", ("csa", "2"))])
def test_gains_of_the_table_are_against_what_the_design_varies(design: str, reference: tuple[str, str]) -> None:
    mious = {("joint", "1"): 40.0, ("csa", "1"): 44.0, ("joint", "2"): 41.0, ("csa", "2"): 47.0}
    kept = {
        names: miou for names, miou in mious.items() if sum(a != b for a, b in zip(names, reference, strict=True)) < 2
    }
    made = [
        Made(
            {"adaptor": a, "part": p},
            {"report/miou": {100: miou + seed + 0.1 * (seed % 2) * len(a)}},
            stage="replicate",
            seed=seed,
        )
        for (a, p), miou in kept.items()
        for seed in range(4)
    ]
    whole = f"adaptor={reference[0]},part={reference[1]}"
    others = [f"adaptor={a},part={p}" for a, p in kept if (a, p) != reference]
    study = made_study(
        {"adaptor": ["joint", "csa"], "part": ["1", "2"]},
        {},
        made,
        seeds=range(4),
        baseline={"adaptor": "joint", "part": "1"},
        comparisons=[(other, whole, None) for other in others],
    )
    text = study.files.read("study", "resolved.yaml").decode() + f"design: {design}\n"
    plan = study.files.read("study", "plan.json").decode()
    judged = Judged(Study("made", study.trials, study.reports, MemoryFiles({"resolved.yaml": text, "plan.json": plan})))
    for cell in judged.study.cells:
        baseline = judged.study.baseline_of(cell)
        assert baseline is not None and baseline.name == whole
        gain = judged.over_baseline(cell)
        if cell != baseline:
            assert gain is not None
            assert gain.comparison.verdict is (Verdict.WORSE if design == "leave_one_out" else Verdict.BETTER)
    assert len(conclusions(judged)) == 2


def test_the_plan_of_seeds_until_decided_says_the_fewest_and_the_most_trials() -> None:
    lone = [{"ours": {"adaptor": "ga", "noise": 1}, "theirs": {"adaptor": "joint"}}]
    until = {"seeds": 3, "at_most": 12, "until": "decided"}
    plan = make_plan(spec(replicate=until, compare={"pairs": lone}), None, measure=False, step_time=0.1)
    assert plan.seeds == tuple(range(12)) and plan.first_look == 3
    compared_cells = {name for one in plan.comparisons for name in (one.ours, one.theirs)}
    assert (len(plan.cells), len(compared_cells)) == (18, 4)
    assert (plan.replicates, plan.most_replicates) == (18 * 3, 18 * 3 + 4 * 9)
    assert {cell.cell for cell in plan.cells if cell.most_replicates == 12} == compared_cells
    console = Console(width=160, file=io.StringIO(), markup=False)
    console.print(*plan_tables(plan, 160), sep="\n")
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "54 to 90: 0 tuning trials and 54 to 90 replicates" in shown
    assert "seeds 0, 1, 2; then one after the other, 12 at most, while a comparison can still be decided" in shown


def test_a_list_of_seeds_goes_on_after_its_largest() -> None:
    study = spec(replicate={"seeds": [10, 7], "at_most": 4, "until": "decided"})
    assert study.replicate.table == (10, 7, 11, 12)
    assert spec(replicate={"seeds": 4}).replicate.table == (0, 1, 2, 3)
