"""Which runs a table is made of: the configuration of each cell that was chosen, and its seeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa

from analysis.choice import best_configuration
from trainables.objective import Objective


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
class Best:
    """The configuration of a cell that was chosen; nothing as long as there is none."""

    content: tuple[tuple[str, str], ...] | None = None
    runs: tuple[str, ...] = ()
    """Its tuning trials, one per seed that searches."""


@dataclass(frozen=True)
class ChosenRuns:
    """The runs of a study's cells, and what was chosen among them.

    Attributes:
        trials: see `trials_table.TRIALS`.
        cells: as the plan has them.
        seeds: of the table.
        train_seeds: that search.
        objective: which of two configurations is better.
        reached: by run, what is compared, on the select split.
    """

    trials: pa.Table
    cells: tuple[Mapping[str, Any], ...]
    seeds: tuple[int, ...]
    train_seeds: tuple[int, ...]
    objective: Objective
    reached: Mapping[str, float]

    @cached_property
    def of_table(self) -> Mapping[str, dict[int, str]]:
        """By cell, per seed of the table, the finished run of the chosen configuration."""
        return {cell: self._by_seed(cell) for cell in self.best}

    @cached_property
    def best(self) -> Mapping[str, Best]:
        """By cell, the configuration that was chosen."""
        return {
            found["cell"]: self._searched(found["cell"]) if found["tuning_trials"] else self._only(found["cell"])
            for found in self.cells
        }

    @cached_property
    def ended_seeds(self) -> Mapping[str, set[int]]:
        """By cell, seeds of the table for which a run of the chosen configuration has ended, also without a result."""
        table, searching = set(self.seeds), set(self.train_seeds)
        found: dict[str, set[int]] = {}
        for row in self.trials.select(["cell", "stage", "seed", "outcome", "params"]).to_pylist():
            of_table = row["seed"] in table and (row["stage"] == "replicate" or row["seed"] in searching)
            ended = of_table and row["outcome"] in ("finished", "failed", "diverged") and row["cell"] in self.best
            if ended and _content(row["params"]) == self.best[row["cell"]].content:
                found.setdefault(row["cell"], set()).add(row["seed"])
        return found

    def _by_seed(self, cell: str) -> dict[int, str]:
        content = self.best[cell].content
        same = {run.seed: run.run for run in self._finished if run.cell == cell and run.content == content}
        return {seed: same[seed] for seed in self.seeds if seed in same}

    def _searched(self, cell: str) -> Best:
        """The best configuration among the finished tuning trials of a cell."""
        of_cell = [run for run in self._finished if run.cell == cell and run.stage == "tuning"]
        tuning = [run for run in of_cell if run.run in self.reached]
        select: dict[tuple[tuple[str, str], ...], dict[int, float]] = {}
        for run in sorted(tuning, key=lambda run: run.number):
            select.setdefault(run.content, {})[run.seed] = self.reached[run.run]
        best = best_configuration(select, self.train_seeds, self.objective)
        if best is None:
            return Best()
        return Best(best[0], tuple(run.run for run in tuning if run.content == best[0]))

    def _only(self, cell: str) -> Best:
        """The configuration of a cell that has nothing to search."""
        return next((Best(run.content) for run in self._finished if run.cell == cell), Best())

    @cached_property
    def _finished(self) -> list[_Finished]:
        columns = ("run", "cell", "stage", "number", "seed", "outcome", "params")
        rows = self.trials.select(columns).to_pylist()
        return [
            _Finished(row["run"], row["cell"], row["stage"], row["number"], row["seed"], _content(row["params"]))
            for row in rows
            if row["outcome"] == "finished" and row["stage"] in ("tuning", "replicate")
        ]


def _content(params: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value) for name, value in params if name != "seed"))
