"""What a study compares: each cell with its baseline, or the pairs of the file, and with what as a control."""

from __future__ import annotations

from typing import Any

from ass_tune.plan.comparisons import primary_comparisons
from ass_tune.search.cells import cells
from ass_tune.spec import StudySpec

LR_SD = {"type": "log_uniform", "low": 1e-5, "high": 1e-3}
SPEC: dict[str, Any] = {
    "study": "compared",
    "trainable": "ass",
    "domains": "streets",
    "profile": "laptop",
    "baseline": {"adaptor": "ga"},
    "ablate": {"adaptor": ["joint", "ga", "ga+csa"], "labeled_images": [0, 5, 20]},
    "search": {"trials_per_cell": 2},
    "train": {"iterations": 40, "evaluate_every": 10},
}
CONTROLLED: dict[str, Any] = {
    "ablate": {"adaptor": ["joint", "ga", "ga+csa"], "labeled_images": [5], "lr_sd": ["tuned", 0]},
    "tune": {"lr_sd": LR_SD},
    "control": {"lr_sd": 0.0},
}

Compared = tuple[list[tuple[str, str, str | None]], list[tuple[str, str, str]]]


def compared(**sections: Any) -> Compared:
    """Comparisons as (ours, theirs, control), and those that cannot be made as (ours, theirs, reason)."""
    spec = StudySpec.model_validate({**SPEC, **sections})
    kept, left_out = cells(spec)
    made, missing = primary_comparisons(spec, [plan.cell for plan in kept], left_out)
    return [(one.ours, one.theirs, one.control) for one in made], [(no.ours, no.theirs, no.reason) for no in missing]


def cell(adaptor: str, labels: int, lr_sd: str | None = None) -> str:
    return f"adaptor={adaptor},labeled_images={labels}" + (f",lr_sd={lr_sd}" if lr_sd else "")


def test_by_default_every_cell_is_compared_with_its_baseline() -> None:
    made, missing = compared()
    wanted = [("joint", 0), ("joint", 5), ("joint", 20), ("ga+csa", 5), ("ga+csa", 20)]
    assert made == [(cell(adaptor, labels), cell("ga", labels), None) for adaptor, labels in wanted]
    assert missing == []
    assert compared(baseline={}) == ([], [])


def test_a_baseline_that_is_undefined_somewhere_is_told() -> None:
    made, missing = compared(baseline={"adaptor": "ga+csa"})
    assert [theirs for _, theirs, _ in made] == [cell("ga+csa", labels) for labels in (5, 20)] * 2
    assert [(ours, theirs) for ours, theirs, _ in missing] == [
        (cell(ours, 0), cell("ga+csa", 0)) for ours in ("joint", "ga")
    ]
    assert missing[0][2].startswith("adaptor=ga+csa,labeled_images=0 is undefined: ")


def test_a_pair_gives_a_comparison_for_every_level_of_the_factors_that_it_does_not_name() -> None:
    pair = {"ours": {"adaptor": "ga+csa"}, "theirs": {"adaptor": "joint"}}
    made, missing = compared(compare={"pairs": [pair]})
    assert made == [(cell("ga+csa", labels), cell("joint", labels), None) for labels in (5, 20)]
    assert [(ours, theirs) for ours, theirs, _ in missing] == [(cell("ga+csa", 0), cell("joint", 0))]
    narrow = {"ours": {"adaptor": "ga+csa", "labeled_images": 5}, "theirs": {"labeled_images": 20}}
    assert compared(compare={"pairs": [narrow]}) == ([(cell("ga+csa", 5), cell("ga+csa", 20), None)], [])


def test_a_gain_has_to_beat_the_control_and_the_control_is_not_compared_itself() -> None:
    made, missing = compared(**CONTROLLED)
    assert made == [
        (cell("joint", 5, "tuned"), cell("ga", 5, "tuned"), None),
        (cell("ga+csa", 5, "tuned"), cell("ga", 5, "tuned"), cell("ga+csa", 5, "0")),
    ]
    assert missing == []


def test_a_control_of_a_cell_that_it_does_not_change_is_none_whatever_the_order_of_levels() -> None:
    swapped = {**CONTROLLED, "ablate": {**CONTROLLED["ablate"], "lr_sd": [0, "tuned"]}}
    made, _ = compared(**swapped)
    assert made == [
        (cell("joint", 5, "0"), cell("ga", 5, "0"), None),
        (cell("ga+csa", 5, "tuned"), cell("ga", 5, "0"), cell("ga+csa", 5, "0")),
    ]


def test_pairs_leave_controls_out_unless_they_name_them() -> None:
    over_joint = {"ours": {"adaptor": "ga+csa"}, "theirs": {"adaptor": "joint"}}
    trained = {"ours": {"adaptor": "ga+csa", "lr_sd": "tuned"}, "theirs": {"lr_sd": 0}}
    untrained = {"ours": {"adaptor": "ga+csa", "lr_sd": 0}, "theirs": {"adaptor": "ga"}}
    made, missing = compared(**CONTROLLED, compare={"pairs": [over_joint, trained, untrained]})
    assert made == [
        (cell("ga+csa", 5, "tuned"), cell("joint", 5, "tuned"), cell("ga+csa", 5, "0")),
        (cell("ga+csa", 5, "tuned"), cell("ga+csa", 5, "0"), None),
        (cell("ga+csa", 5, "0"), cell("ga", 5, "tuned"), None),
    ]
    assert missing == []


def test_the_control_of_a_cell_that_is_not_defined_is_not_missed() -> None:
    pair = {"ours": {"adaptor": "ga+csa"}, "theirs": {"adaptor": "ga"}}
    ablate = {**CONTROLLED["ablate"], "labeled_images": [0, 5]}
    made, missing = compared(**{**CONTROLLED, "ablate": ablate}, compare={"pairs": [pair]})
    assert [(ours, theirs) for ours, theirs, _ in made] == [(cell("ga+csa", 5, "tuned"), cell("ga", 5, "tuned"))]
    assert [(ours, theirs) for ours, theirs, _ in missing] == [(cell("ga+csa", 0, "tuned"), cell("ga", 0, "tuned"))]


def test_a_comparison_is_made_once_although_two_pairs_ask_for_it() -> None:
    wide = {"ours": {"adaptor": "ga+csa"}, "theirs": {"adaptor": "ga"}}
    narrow = {"ours": {"adaptor": "ga+csa", "labeled_images": 5}, "theirs": {"adaptor": "ga"}}
    made, _ = compared(compare={"pairs": [wide, narrow]})
    assert [ours for ours, _, _ in made] == [cell("ga+csa", 5), cell("ga+csa", 20)]
