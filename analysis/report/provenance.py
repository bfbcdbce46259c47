"""Where the numbers of a report come from, and how a reader gets them again."""

from __future__ import annotations

import json
from typing import Any

from analysis.report.blocks import Points, Section, Text
from analysis.study import Study


def about(study: Study) -> str:
    """One line under the title: what was trained, how much of it, when, and from which code."""
    plan, outcomes = study.plan, study.frame["outcome"].value_counts()
    counted = ", ".join(f"{n} {outcome}" for outcome, n in sorted(outcomes.items()))
    parts = [
        f"{plan['trainable']} on {plan['domains']}, profile {plan['profile']}, {study.iterations} iterations a trial",
        f"{len(study.frame)} trials ({counted}) in {len(study.cells)} cells, {len(study.seeds)} seeds",
        f"sampler {plan['sampler']}, pruner {plan['pruner']}, protocol {study.protocol}",
        *_when(study),
        *_code(study),
    ]
    return " · ".join(parts)


def how_to_rebuild(study: Study) -> Section:
    """What a reader who has only this page needs to get its numbers again."""
    intro = (
        "Everything here follows from the study's record, in which each trial has its configuration, every reported "
        "value and, per image of the report split, a confusion matrix."
    )
    points = (
        f"python -m analysis.export {study.name} writes that record as Parquet files: trials, reports, confusions.",
        "A cell's best configuration is the finished tuning trial with the highest select/miou at its last report; its "
        "row is made of the finished trials of the same settings, one per seed.",
        "IoU of a class is its diagonal over row plus column minus diagonal, of the confusion matrices summed over the "
        "images; mIoU is the mean over classes that occur, in percent. It equals report/miou of the trial.",
        "± after a mIoU is the sample standard deviation over seeds; after a gain, the half-width of the 95% interval "
        "of the differences paired by seed, t(n − 1).",
        "The interval over images draws images with replacement (numpy's PCG64, seed 0), the same for both sides, sums "
        "their matrices, and takes the difference in mIoU, averaged over seeds.",
    )
    return Section("How to get these numbers again", (Text(intro), Points(points)))


def _when(study: Study) -> list[str]:
    begun, ended = study.frame["start"].dropna().tolist(), study.frame["end"].dropna().tolist()
    return [f"{min(begun):%Y-%m-%d %H:%M} to {max(ended):%Y-%m-%d %H:%M} UTC"] if begun and ended else []


def _code(study: Study) -> list[str]:
    if "environment.json" not in study.files.paths(study.run):
        return []
    git: dict[str, Any] | None = json.loads(study.files.read(study.run, "environment.json")).get("git")
    return [f"code {git['revision'][:10]}{' with changes' if git['dirty'] else ''}"] if git else []
