"""Where the numbers of a report come from, and how a reader can compute them again."""

from __future__ import annotations

import json
import shlex
from typing import Any

from analysis.report.blocks import Points, Section, Text
from analysis.study import Study
from analysis.wording import count
from trainables.objective import MIOU


def about(study: Study) -> str:
    """One line under the title: what was trained, how much of it, when, and from which code."""
    plan, outcomes = study.plan, study.frame["outcome"].value_counts()
    counted = ", ".join(f"{n} {outcome}" for outcome, n in sorted(outcomes.items()))
    trials = count(len(study.frame), "trial") + (f" ({counted})" if counted else "")
    length = f"{count(study.iterations, 'iteration')} a trial"
    parts = [
        f"{plan['trainable']} on {plan['domains']}, profile {plan['profile']}, {length}",
        f"{trials} in {count(len(study.cells), 'cell')}, {count(len(study.seeds), 'seed')}",
        f"sampler {plan['sampler']}, pruner {plan['pruner']}, protocol {study.protocol}",
        *_when(study),
        *_code(study),
    ]
    return " · ".join(parts)


CONFUSIONS = (
    "The confusion matrices are summed over the images. The IoU of a class is its diagonal entry divided by the "
    "sum of its row and its column minus that entry; mIoU is the mean over the classes that occur, in percent. It "
    "equals `report/miou` of the trial.",
)


def how_to_rebuild(study: Study) -> Section:
    """What a reader who has only this page needs to compute its numbers again."""
    intro = (
        "All numbers of this page follow from the study's record: of each trial its configuration, every reported "
        "value and, for trainables that segment images, a confusion matrix per image of the report split."
    )
    objective = study.objective
    best = "highest" if objective.sign > 0 else "lowest"
    points = (
        f"`{shlex.join(['python', '-m', 'analysis.export', study.name])}` writes that record as Parquet files: "
        "trials, reports, confusions.",
        f"A cell's configuration is the one with the {best} mean, over the seeds that search (`train_seeds`), of "
        f"`{objective.select}` at the last report of its tuning trials. The cell's row is made of the finished trials "
        "with these settings under the seeds of the table, one per seed.",
        *(CONFUSIONS if objective == MIOU else ()),
        "± after a mean is the sample standard deviation over seeds. A gain is the mean of the differences paired by "
        "seed. Its variance has two parts. For other seeds: the residual variance of the table's runs after a mean per "
        "cell and an effect per seed, pooled over cells where a check allows it. For other images: the jackknife over "
        "the units of images (their counts are left out in turn), of products between different seeds.",
        "The 95% interval is a t interval at the level at which all primary comparisons, those with controls included, "
        "hold together (Dunnett). `docs/inference.md` of the project has every step.",
    )
    return Section("How to get these numbers again", (Text(intro), Points(points)))


def _when(study: Study) -> list[str]:
    """A trial that was taken over from another study ended before it began here."""
    times = [time for name in ("start", "end") for time in study.frame[name].dropna().tolist()]
    return [f"{min(times):%Y-%m-%d %H:%M} to {max(times):%Y-%m-%d %H:%M} UTC"] if times else []


def _code(study: Study) -> list[str]:
    if "environment.json" not in study.files.paths(study.run):
        return []
    git: dict[str, Any] | None = json.loads(study.files.read(study.run, "environment.json")).get("git")
    return [f"code {git['revision'][:10]}{' with changes' if git['dirty'] else ''}"] if git else []
