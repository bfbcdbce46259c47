"""Reports of studies of all shapes: none crashes, and all sentences read well."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from html import unescape
from itertools import product
from typing import Any

import pytest

from analysis.figures.table import table_figure
from analysis.report.contents import PAGE, report_files
from analysis.statistics.gains import Judged
from analysis.study import Study
from analysis.table import table_rows
from tests.support.synthetic import Made, made_study

pytestmark = pytest.mark.costly

LR = {"lr": {"type": "log_uniform", "low": 0.01, "high": 0.1}}
ADAPTORS = {"adaptor": ["ga", "ga+csa"]}
BUDGETS = {"labeled_images": [1, 20]}


def trials(ablate: Mapping[str, Sequence], seeds: int, tuned: bool = True) -> Iterator[Made]:
    """Per cell a tuning trial and another one that is worse, and a replicate for each further seed."""
    for place, levels in enumerate(product(*ablate.values())):
        cell = dict(zip(ablate, levels, strict=True))
        for seed in range(seeds):
            stage = "replicate" if seed else "tuning"
            yield made(cell, 30 + place + 0.3 * seed * place, stage=stage, seed=seed, number=max(0, seed - 1))
        if tuned:
            yield made(cell, 25, number=1, lr=0.1)


def fresh(seeds: Sequence[int]) -> Study:
    """Each configuration is searched under these seeds, and the better one is trained under three others."""
    found = []
    for place, adaptor in enumerate(ADAPTORS["adaptor"]):
        of_configurations = ((0.03, 30 + place), (0.1, 25))
        for index, seed in enumerate(seeds):
            found += [
                made({"adaptor": adaptor}, miou, lr, seed=seed, number=2 * index + lr_place)
                for lr_place, (lr, miou) in enumerate(of_configurations)
            ]
        found += [
            made({"adaptor": adaptor}, 29 + place + 0.3 * seed * place, stage="replicate", seed=seed, number=seed)
            for seed in range(3)
        ]
    return made_study(ADAPTORS, LR, found, baseline={"adaptor": "ga"})


def made(levels: Mapping[str, Any], miou: float, lr: float = 0.03, outcome: str | None = "finished", **about) -> Made:
    report = {"report/miou": {100: miou - 0.04}} if outcome == "finished" else {}
    return Made(levels, {"select/miou": {50: miou - 5, 100: miou}} | report, {"lr": lr}, outcome=outcome, **about)


def shape(ablate: Mapping[str, list], seeds: int = 3, tuned: bool = True, **settings) -> Study:
    return made_study(ablate, LR if tuned else {}, list(trials(ablate, seeds, tuned)), seeds=range(seeds), **settings)


def broken() -> Study:
    """Interrupted: a cell whose trials failed, one that diverged, one that is not over and has reported nothing."""
    ga, csa, oracle, joint = ({"adaptor": name} for name in ("ga", "ga+csa", "oracle", "joint"))
    running = Made(joint, {}, {"lr": 0.03}, outcome=None)
    found = [made(ga, 30), made(csa, 20, outcome="failed"), made(oracle, 20, outcome="diverged"), running]
    return made_study({"adaptor": ["ga", "ga+csa", "oracle", "joint"]}, LR, found, baseline=ga)


def unreported() -> Study:
    """Interrupted before the first report."""
    return made_study(ADAPTORS, LR, [Made({"adaptor": name}, {}, outcome=None) for name in ("ga", "ga+csa")])


def measured_nothing(outcome: str) -> Study:
    """Ended, and no trial has a result."""
    found = [Made({"adaptor": name}, {}, {"lr": 0.03}, outcome=outcome) for name in ("ga", "ga+csa")]
    return made_study(ADAPTORS, LR, found, baseline={"adaptor": "ga"})


SHAPES = {
    "all failed": (measured_nothing("failed"), "Nothing was measured: no cell has a finished trial for the table. Its"),
    "all diverged": (measured_nothing("diverged"), "Its trials: 2 diverged."),
    "one seed": (
        shape({**ADAPTORS, **BUDGETS}, 1, baseline={"adaptor": "ga"}),
        "ga+csa over ga: not judged (one seed) at",
    ),
    "no baseline": (shape(ADAPTORS), "names no baseline"),
    "one cell": (shape({"adaptor": ["ga"]}, 2, baseline={"adaptor": "ga"}), "a single cell"),
    "no factors": (shape({}), "names no baseline"),
    "no tuning": (shape({**ADAPTORS, **BUDGETS}, tuned=False, baseline={"adaptor": "ga"}), "ga+csa over ga: "),
    "third factor": (
        shape({**ADAPTORS, "lr_sd": ["tuned", 0], **BUDGETS}, baseline={"adaptor": "ga"}),
        "ga+csa, lr_sd=0 over ga, lr_sd=0: ",
    ),
    "baseline of labels": (shape(BUDGETS, baseline={"labeled_images": 1}), "20 labels over 1 label: "),
    "broken": (broken(), "No cell can be compared with its baseline"),
    "seeds of the table that did not search": (fresh([1000]), "ga+csa over ga: "),
    "two seeds that search": (fresh([7, 8]), "ga+csa over ga: "),
    "nothing to search": (fresh([]), "ga+csa over ga: "),
    "unreported": (unreported(), "names no baseline"),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_report_of_any_shape_reads_well(name: str) -> None:
    study, first = SHAPES[name]
    files = report_files(study)
    html = files[PAGE].decode()
    text = " ".join(unescape(re.sub(r"<style>.*?</style>|<[^>]*>", " ", html, flags=re.DOTALL)).split())
    assert first in text
    assert not re.search(r"`|\bnan\b|-0\.0\b|\bNone\b", text)
    assert not re.search(r"\b1 (seeds|cells|trials|labels|pairs|iterations|images)\b", text)
    assert not re.search(r"[+-][\d.]+ points (above|below)", text)
    assert "trials pruned" not in text
    drawn = {path for path in files if path.startswith("figures/")}
    assert all(f"{path.rpartition('.')[0]}.png" in drawn for path in drawn)


@pytest.mark.parametrize(
    ("name", "axis"), [("no tuning", "labeled target images"), ("no baseline", "mIoU on the report")]
)
def test_the_figure_of_the_table_has_lines_over_labels_or_a_bar_per_cell(name: str, axis: str) -> None:
    study, _ = SHAPES[name]
    (axes,) = table_figure(study, table_rows(Judged(study))).axes
    assert axes.get_xlabel().startswith(axis)
    assert "± std over seeds" in axes.get_xlabel() + axes.get_ylabel()


def test_the_figure_of_a_table_without_results_says_so() -> None:
    study, _ = SHAPES["unreported"]
    (axes,) = table_figure(study, table_rows(Judged(study))).axes
    assert [text.get_text() for text in axes.texts] == ["no trial of the table has finished"]
