"""A study as it was recorded: its trials, everything they reported, and the files they left."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import yaml

from analysis.artifacts import Files
from analysis.choice import best_configuration
from analysis.confusions import Confusions, confusions_of
from analysis.pictures import PredictedImage, pictures_of
from trainables.config import Value
from trainables.objective import MIOU, Objective
from trainables.words import ANY, BUDGET, Cell, format_value, label

NAMED = pa.dictionary(pa.int32(), pa.string())
TEXTS = pa.map_(pa.string(), pa.string())
TIME = pa.timestamp("ms", "UTC")
TRIALS = pa.schema(
    [
        pa.field("run", pa.string(), nullable=False),
        pa.field("name", pa.string()),
        pa.field("status", pa.string()),
        pa.field("start", TIME),
        pa.field("end", TIME),
        pa.field("cell", pa.string()),
        pa.field("stage", pa.string()),
        pa.field("number", pa.int64()),
        pa.field("seed", pa.int64()),
        pa.field("outcome", pa.string()),
        pa.field("params", TEXTS),
        pa.field("tags", TEXTS),
    ]
)
"""One row per run in MLflow, the study's own first (stage `study`); `cell` to `outcome` are tags of their name."""
REPORTS = pa.schema(
    [
        pa.field("run", NAMED, nullable=False),
        pa.field("metric", NAMED, nullable=False),
        pa.field("iteration", pa.int64()),
        pa.field("time", TIME),
        pa.field("value", pa.float64()),
    ]
)
"""One row per value that a trial reported, in the order of trials, iterations, metrics and times."""


@dataclass(frozen=True)
class StudyCell(Cell):
    """A cell of a study that was run.

    Attributes:
        tuned: names of the hyperparameters that it tunes.
        idle: factors whose level has no effect in it.
    """

    tuned: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()

    @property
    def levels(self) -> dict[str, str]:
        """The levels as people write them, by factor, in the order of the study's factors."""
        return {factor: format_value(level) for factor, level in self.factors}

    @property
    def shown(self) -> Mapping[str, str]:
        """The levels as tables show them: those without effect as `any`."""
        return self.levels | dict.fromkeys(self.idle, ANY)

    @property
    def effective(self) -> Mapping[str, str]:
        """The levels that have an effect."""
        return {factor: level for factor, level in self.levels.items() if factor not in self.idle}

    @property
    def budget(self) -> int | None:
        """Number of labeled images, where that is a factor."""
        level = self.levels.get(BUDGET, "")
        return int(level) if level.isdigit() else None

    def without_budget(self) -> str:
        """The cell's levels except its number of labeled images, e.g. `ga+csa`."""
        return label((factor, level) for factor, level in self.effective.items() if factor != BUDGET)

    @property
    def label(self) -> str:
        """The cell as sentences and figures name it, e.g. `ga+csa, 50 labels`."""
        return label(self.effective.items())


@dataclass(frozen=True)
class Study:
    """A study, whole and unchanging.

    Attributes:
        name: of the study, and of its experiment in MLflow.
        trials: see `TRIALS`.
        reports: see `REPORTS`.
        files: artifacts of every run.
    """

    name: str
    trials: pa.Table
    reports: pa.Table
    files: Files

    @cached_property
    def run(self) -> str:
        """The study's own run, which holds the file, the plan and the tables."""
        stages = self.trials["stage"].to_pylist()
        return self.trials["run"][stages.index("study")].as_py()

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """The search-space file as resolved."""
        return yaml.safe_load(self.files.read(self.run, "resolved.yaml"))

    @cached_property
    def plan(self) -> Mapping[str, Any]:
        """What `--plan --json` shows."""
        return json.loads(self.files.read(self.run, "plan.json"))

    @property
    def factors(self) -> tuple[str, ...]:
        """Names of the ablated variables."""
        return tuple(self.settings.get("ablate", {}))

    @property
    def protocol(self) -> str:
        """`split`, or `paper` where the images that chose are those that report."""
        return self.plan["protocol"]

    @cached_property
    def objective(self) -> Objective:
        """What trials are judged by; mIoU in records from before there were others."""
        recorded = self.plan.get("objective")
        return MIOU if recorded is None else Objective.model_validate(recorded)

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds of the table."""
        return tuple(self.plan["seeds"])

    @property
    def train_seeds(self) -> tuple[int, ...]:
        """Seeds that search; none of the table's, except under `protocol: paper` and in old exports its first."""
        return tuple(self.plan.get("train_seeds", self.plan["seeds"][:1]))

    @property
    def iterations(self) -> int:
        """Training length of every trial."""
        return self.settings["train"]["iterations"]

    @cached_property
    def hyperparameters(self) -> tuple[str, ...]:
        """Names of everything that some cell tunes, in the order of the file."""
        tuned = {name for cell in self.cells for name in cell.tuned}
        return tuple(name for name in self.settings.get("tune", {}) if name in tuned)

    @cached_property
    def cells(self) -> tuple[StudyCell, ...]:
        """The cells of the table, in its order."""
        ablated = self.settings.get("ablate", {})
        combined = (tuple(zip(ablated, levels, strict=True)) for levels in itertools.product(*ablated.values()))
        by_name = {Cell(factors).name: factors for factors in combined}
        return tuple(_cell(by_name[found["cell"]], found) for found in self.plan["cells"])

    def baseline_of(self, cell: StudyCell) -> StudyCell | None:
        """The cell that its gain is measured against; itself if it is one, None where there is none.

        Under `design: leave_one_out` it is that of the whole method.
        """
        wanted = self.settings.get("baseline", {})
        if not wanted:
            return None
        # the file may say 0 where the level is 0.0
        ablated, whole = self.settings["ablate"], self.settings.get("design") == "leave_one_out"
        levels = {
            name: next(own for own in ablated[name] if (own != level if whole else own == level))
            for name, level in wanted.items()
        }
        name = Cell(tuple((factor, levels.get(factor, level)) for factor, level in cell.factors)).name
        shared = {left["cell"]: left["same_as"] for left in self.plan["left_out"] if "same_as" in left}
        return next((other for other in self.cells if other.name == shared.get(name, name)), None)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per trial, the study's own run left out, in the order of `trials`.

        Columns: run, name, cell, stage, number, seed, outcome, start, end, a column per factor (text), one per tuned
        hyperparameter (numbers where they are; missing in cells that do not tune it), the objective's `select` (see
        `chosen_by`) and `report` at the end, `iteration` reached, `best`: whether it is a tuning trial of the
        configuration that was chosen, and `chosen`: whether the table is made of it.
        """
        table = self.trials.take([i for i, stage in enumerate(self.trials["stage"].to_pylist()) if stage != "study"])
        frame = table.drop_columns(["params", "tags", "status"]).to_pandas()
        tags = [dict(found) for found in table["tags"].to_pylist()]
        params = [dict(found) for found in table["params"].to_pylist()]
        for factor in self.factors:
            frame[factor] = [found.get(factor) for found in tags]
        for name in self.hyperparameters:
            tuned_in = {cell.name for cell in self.cells if name in cell.tuned}
            of_cells = zip(params, frame["cell"], strict=True)
            frame[name] = _numbers([found.get(name) if cell in tuned_in else None for found, cell in of_cells])
        select, report = self.objective.select, self.objective.report
        for metric, values in ((select, self.chosen_by), (report, self.last(report))):
            frame[metric] = frame["run"].map(values).astype(np.float64)
        frame["iteration"] = frame["run"].map(self._reached).fillna(0).astype(np.int64)
        best = {run for cell in self.cells for run in self._best[cell.name].runs}
        chosen = {run for cell in self.cells for run in self.results(cell).values()}
        frame["best"], frame["chosen"] = frame["run"].isin(best), frame["run"].isin(chosen)
        return frame

    def results(self, cell: StudyCell) -> dict[int, str]:
        """Per seed of the table, the finished run of the cell's configuration: what its row is made of.

        The configuration is that with the best mean on the select split over the seeds that search, the earlier one of
        equals, or the only one in a cell that has nothing to search.
        """
        return self._results[cell.name]

    def ended_seeds(self, cell: StudyCell) -> set[int]:
        """Seeds of the table for which a run of the cell's configuration has ended, also without a result."""
        return self._ended.get(cell.name, set())

    @cached_property
    def chosen_by(self) -> Mapping[str, float]:
        """What the choice of a configuration compares, by run: on the select split, of the snapshot it reports.

        That of the last report where a trial has no such metric.
        """
        return self.last(self.objective.select) | self.last(self.objective.of_snapshot)

    def last(self, metric: str) -> dict[str, float]:
        """Each trial's value of a metric at its last report of it."""
        if metric not in self._lasts:
            found = self.metric(metric)
            self._lasts[metric] = dict(zip(found["run"], found["value"], strict=True))
        return self._lasts[metric]

    def metric(self, metric: str) -> pd.DataFrame:
        """The curve of a metric: run, iteration, value; rows in the order of trials and iterations."""
        if metric not in self._rows:
            return pd.DataFrame({"run": pd.Series(dtype=str), "iteration": pd.Series(dtype=int), "value": []})
        found = self.reports.take(self._rows[metric]).select(["run", "iteration", "value"]).to_pandas()
        return found.astype({"run": str})

    @cached_property
    def metrics(self) -> tuple[str, ...]:
        """Names of everything that was reported, in order."""
        return tuple(sorted(self._rows))

    def confusions(self, runs: Iterable[str]) -> Confusions | None:
        """Counts of the report split of these runs as one array; None where a run has none."""
        return confusions_of(self.files, list(runs))

    def pictures(self, runs: Iterable[str]) -> dict[str, list[PredictedImage]]:
        """What each of these runs made of some images of the report split; without those that kept none."""
        return pictures_of(self.files, list(runs))

    @cached_property
    def _rows(self) -> dict[str, pa.Array]:
        """Rows of `reports` by metric."""
        column = self.reports["metric"].combine_chunks()
        codes = column.indices.to_numpy(zero_copy_only=False)
        order = np.argsort(codes, kind="stable")
        bounds = np.searchsorted(codes[order], np.arange(len(column.dictionary) + 1))
        names = column.dictionary.to_pylist()
        return {
            name: pa.array(order[begin:end])
            for name, begin, end in zip(names, bounds[:-1], bounds[1:], strict=True)
            if end > begin
        }

    @cached_property
    def _lasts(self) -> dict[str, dict[str, float]]:
        """What `last` has found, by metric."""
        return {}

    @cached_property
    def _results(self) -> dict[str, dict[int, str]]:
        """What `results` says, by cell."""
        return {name: self._of_table(name) for name in self._best}

    def _of_table(self, cell: str) -> dict[int, str]:
        content = self._best[cell].content
        same = {run.seed: run.run for run in self._finished if run.cell == cell and run.content == content}
        return {seed: same[seed] for seed in self.seeds if seed in same}

    @cached_property
    def _best(self) -> dict[str, _Best]:
        """By cell, what its table row is made of."""
        return {
            found["cell"]: self._searched(found["cell"]) if found["tuning_trials"] else self._only(found["cell"])
            for found in self.plan["cells"]
        }

    def _searched(self, cell: str) -> _Best:
        """The best configuration among the finished tuning trials of a cell."""
        reached = self.chosen_by
        tuning = [run for run in self._finished if run.cell == cell and run.stage == "tuning" and run.run in reached]
        select: dict[tuple[tuple[str, str], ...], dict[int, float]] = {}
        for run in sorted(tuning, key=lambda run: run.number):
            select.setdefault(run.content, {})[run.seed] = reached[run.run]
        best = best_configuration(select, self.train_seeds, self.objective)
        if best is None:
            return _Best()
        return _Best(best[0], tuple(run.run for run in tuning if run.content == best[0]))

    def _only(self, cell: str) -> _Best:
        """The configuration of a cell that has nothing to search."""
        return next((_Best(run.content) for run in self._finished if run.cell == cell), _Best())

    @cached_property
    def _ended(self) -> dict[str, set[int]]:
        """What `ended_seeds` says, by cell."""
        table, searching = set(self.seeds), set(self.train_seeds)
        found: dict[str, set[int]] = {}
        for row in self.trials.select(["cell", "stage", "seed", "outcome", "params"]).to_pylist():
            of_table = row["seed"] in table and (row["stage"] == "replicate" or row["seed"] in searching)
            ended = of_table and row["outcome"] in ("finished", "failed", "diverged") and row["cell"] in self._best
            if ended and _content(row["params"]) == self._best[row["cell"]].content:
                found.setdefault(row["cell"], set()).add(row["seed"])
        return found

    @cached_property
    def _reached(self) -> dict[str, int]:
        found = self.reports.group_by("run").aggregate([("iteration", "max")]).to_pydict()
        return dict(zip(found["run"], found["iteration_max"], strict=True))

    @cached_property
    def _finished(self) -> list[_Finished]:
        columns = ("run", "cell", "stage", "number", "seed", "outcome", "params")
        rows = self.trials.select(columns).to_pylist()
        return [
            _Finished(row["run"], row["cell"], row["stage"], row["number"], row["seed"], _content(row["params"]))
            for row in rows
            if row["outcome"] == "finished" and row["stage"] in ("tuning", "replicate")
        ]


def _cell(factors: tuple[tuple[str, Value], ...], planned: Mapping[str, Any]) -> StudyCell:
    """A cell as the plan has it; plans of older versions do not say what is idle."""
    return StudyCell(factors, tuple(planned["tuned"]), tuple(planned.get("idle", ())))


@dataclass(frozen=True)
class _Finished:
    run: str
    cell: str
    stage: str
    number: int
    seed: int
    content: tuple[tuple[str, str], ...]
    """All settings but the seed."""


@dataclass(frozen=True)
class _Best:
    """The configuration of a cell that was chosen; nothing as long as there is none."""

    content: tuple[tuple[str, str], ...] | None = None
    runs: tuple[str, ...] = ()
    """Its tuning trials, one per seed that searches."""


def trials_table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows with the columns run, name, status, start, end, params and tags (mappings), as `TRIALS` has them.

    In the order in which they began, the study's own run first. Of trials that began in the same millisecond, cell,
    stage and number decide, never the names of runs, which MLflow draws at random.
    """
    derived = sorted(({**row, **_from_tags(row["tags"])} for row in rows), key=_place)
    texts = {"params", "tags"}
    plain = [{k: sorted(v.items()) if k in texts else v for k, v in row.items()} for row in derived]
    return pa.Table.from_pylist(plain, TRIALS)


def _place(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """The study first, then trials by their start; those of one millisecond by what they are, wherever they lie."""
    names = (row["cell"] or "", row["stage"] or "", row["number"] or 0)
    return (row["stage"] != "study", row["start"] is not None, row["start"] or 0, *names)


def _from_tags(tags: Mapping[str, str]) -> dict[str, Any]:
    texts = {name: tags.get(name) for name in ("cell", "stage", "outcome")}
    return texts | {name: int(tags[name]) if name in tags else None for name in ("number", "seed")}


def _content(params: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value) for name, value in params if name != "seed"))


def _numbers(texts: Sequence[str | None]) -> list[float] | list[str | None]:
    """Numbers where all texts are numbers, NaN where there is none; else the texts."""
    try:
        return [math.nan if text is None else float(text) for text in texts]
    except ValueError:
        return list(texts)
