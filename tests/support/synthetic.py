"""Studies made up value by value, as they would come out of MLflow."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import yaml

from analysis.readers.sql import points, reports_table
from analysis.study import Study
from analysis.trials_table import trials_table
from trainables.objective import Objective

BEGUN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Made:
    """A trial: its cell's levels, curves by metric ({iteration: value}), and how it ended after how many seconds."""

    levels: Mapping[str, Any]
    curves: Mapping[str, Mapping[int, float]]
    params: Mapping[str, Any] = field(default_factory=dict)
    stage: str = "tuning"
    number: int = 0
    seed: int = 0
    outcome: str | None = "finished"
    """None where the trial is not over."""
    seconds: float = 100.0


@dataclass(frozen=True)
class MemoryFiles:
    """The file and the plan of a study, and nothing of its trials."""

    texts: Mapping[str, str]

    def paths(self, run: str) -> Sequence[str]:
        return tuple(sorted(self.texts)) if run == "study" else ()

    def read(self, run: str, path: str) -> bytes:
        return self.texts[path].encode()


def made_study(
    ablate: Mapping[str, list],
    tune: Mapping[str, Mapping],
    trials: Sequence[Made],
    iterations: int = 100,
    seeds: Sequence[int] = range(3),
    baseline: Mapping[str, Any] | None = None,
    comparisons: Sequence[tuple[str, str, str | None]] | None = None,
    control: Mapping[str, Any] | None = None,
    difference: float = 1.0,
    objective: Objective | None = None,
) -> Study:
    """A study of any number of factors, in which every cell with tuning trials tunes everything.

    Primary `comparisons` are (ours, theirs, control); without them the plan is that of an older version.
    """
    names = dict.fromkeys(_name(trial.levels) for trial in trials)
    tuning = [trial for trial in trials if trial.stage == "tuning"]
    searched = [_name(trial.levels) for trial in tuning]
    plan = {
        **{"trainable": "curves", "domains": "synthetic", "profile": "synthetic", "protocol": "split"},
        **{"sampler": "random", "pruner": "none"},
        "train_seeds": sorted({trial.seed for trial in tuning}),
        "seeds": list(seeds),
        "left_out": [],
        "cells": [{"cell": name, "tuned": list(tune), "tuning_trials": searched.count(name)} for name in names],
    }
    settings = {"ablate": dict(ablate), "tune": dict(tune), "train": {"iterations": iterations}}
    settings |= {"baseline": dict(baseline or {}), "control": dict(control or {})}
    if comparisons is not None:
        named = [dict(zip(("ours", "theirs", "control"), one, strict=True)) for one in comparisons]
        plan |= {"comparisons": named, "smallest_difference": difference}
    if objective is not None:
        plan["objective"] = objective.model_dump()
    rows = [{"run": "study", "name": "study", "status": "FINISHED", "start": BEGUN, "end": None}]
    rows[0] |= {"params": {}, "tags": {"stage": "study"}}
    rows += [_row(index, trial) for index, trial in enumerate(trials)]
    reported = [[], *([_point(metric, *at) for metric, c in t.curves.items() for at in c.items()] for t in trials)]
    files = MemoryFiles({"resolved.yaml": yaml.safe_dump(settings, sort_keys=False), "plan.json": json.dumps(plan)})
    return Study(
        "made",
        trials_table(rows),
        reports_table([row["run"] for row in rows], [points(one) for one in reported]),
        files,
    )


def _point(metric: str, iteration: int, value: float) -> tuple[str, int, int, float]:
    return metric, iteration, 0, value


def _row(index: int, trial: Made) -> dict[str, Any]:
    about = {"cell": _name(trial.levels), "stage": trial.stage, "number": trial.number, "seed": trial.seed}
    outcome = {"outcome": trial.outcome} if trial.outcome else {}
    texts = {name: str(value) for name, value in {**trial.levels, **about, **outcome}.items()}
    params = {name: str(value) for name, value in {**trial.params, "seed": trial.seed}.items()}
    start = BEGUN + timedelta(seconds=index)
    times = {"start": start, "end": start + timedelta(seconds=trial.seconds)}
    return {"run": f"run{index:03}", "name": str(index), "status": "FINISHED", **times, "params": params, "tags": texts}


def _name(levels: Mapping[str, Any]) -> str:
    return ",".join(f"{factor}={level}" for factor, level in levels.items()) or "all"
