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
from analysis.chosen_runs import ChosenRuns
from analysis.confusions import Confusions, confusions_of
from analysis.pictures import PredictedImage, pictures_of
from analysis.study_cell import StudyCell
from trainables.config import Value
from trainables.objective import MIOU, Objective
from trainables.words import Cell


@dataclass(frozen=True)
class Study:
    """A study, whole and unchanging.

    Attributes:
        name: of the study, and of its experiment in MLflow.
        trials: see `trials_table.TRIALS`.
        reports: see `trials_table.REPORTS`.
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
        best = {run for cell in self.cells for run in self._chosen.best[cell.name].runs}
        chosen = {run for cell in self.cells for run in self.results(cell).values()}
        frame["best"], frame["chosen"] = frame["run"].isin(best), frame["run"].isin(chosen)
        return frame

    def results(self, cell: StudyCell) -> dict[int, str]:
        """Per seed of the table, the finished run of the cell's configuration: what its row is made of.

        The configuration is that with the best mean on the select split over the seeds that search, the earlier one of
        equals, or the only one in a cell that has nothing to search.
        """
        return self._chosen.of_table[cell.name]

    def ended_seeds(self, cell: StudyCell) -> set[int]:
        """Seeds of the table for which a run of the cell's configuration has ended, also without a result."""
        return self._chosen.ended_seeds.get(cell.name, set())

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
    def _chosen(self) -> ChosenRuns:
        cells = tuple(self.plan["cells"])
        return ChosenRuns(self.trials, cells, self.seeds, self.train_seeds, self.objective, self.chosen_by)

    @cached_property
    def _reached(self) -> dict[str, int]:
        found = self.reports.group_by("run").aggregate([("iteration", "max")]).to_pydict()
        return dict(zip(found["run"], found["iteration_max"], strict=True))


def _cell(factors: tuple[tuple[str, Value], ...], planned: Mapping[str, Any]) -> StudyCell:
    """A cell as the plan has it; plans of older versions do not say what is idle."""
    return StudyCell(factors, tuple(planned["tuned"]), tuple(planned.get("idle", ())))


def _numbers(texts: Sequence[str | None]) -> list[float] | list[str | None]:
    """Numbers where all texts are numbers, NaN where there is none; else the texts."""
    try:
        return [math.nan if text is None else float(text) for text in texts]
    except ValueError:
        return list(texts)
