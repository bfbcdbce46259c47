"""A study out of its export: without MLflow, and without reading counts or pictures before they are asked for."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from analysis import confusions, pictures
from analysis.dataset.files import DataSet
from analysis.dataset.tables import COLORS, counts_file, predictions_file
from analysis.study import Study
from analysis.trials_table import REPORTS, TRIALS
from trainables.confusions import CLASSES

EXPERIMENT_TAGS, LEFT_OUT = b"experiment_tags", b"left_out"
"""Metadata of `trials.parquet`: tags of the experiment in MLflow, and what the export does without; JSON."""


def is_export(folder: Path) -> bool:
    """Whether a folder holds an export."""
    return (folder / "trials.parquet").is_file()


def read_export(folder: Path) -> Study:
    """The study in it. Raises UserMistake, which names the file, where one is missing, damaged or no export's."""
    data = DataSet(folder)
    trials = data.table("trials").cast(TRIALS)
    return Study(data.study, trials, _reports(data, trials["run"].to_pylist()), ExportedFiles(data))


def experiment_tags(folder: Path) -> dict[str, str]:
    """Tags of the experiment that the study was in MLflow."""
    return json.loads(DataSet(folder).table("trials").schema.metadata[EXPERIMENT_TAGS])


def left_out_of(folder: Path) -> list[str]:
    """In words what an export does without; empty for one that is whole."""
    return json.loads(DataSet(folder).table("trials").schema.metadata[LEFT_OUT])


class ExportedFiles:
    """Artifacts of runs out of the tables of an export."""

    def __init__(self, data: DataSet) -> None:
        self._data = data

    def paths(self, run: str) -> Sequence[str]:
        """Names of a run's artifacts, in order."""
        return tuple(sorted(self._paths.get(run, ())))

    def read(self, run: str, path: str) -> bytes:
        """The content of one artifact; raises FileNotFoundError, and UserMistake where a table is damaged."""
        if path not in self.paths(run):
            raise FileNotFoundError(f"run {run} has no artifact {path}")
        if (run, path) in self._others:
            return self._others[run, path].as_py()
        return self._counts(run) if path == confusions.FILE else self._predictions(run)

    @cached_property
    def _paths(self) -> Mapping[str, set[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for name, path in (("confusions", confusions.FILE), ("predictions", pictures.FILE)):
            for run in set(self._data.column(name, "run") if name in self._data else ()):
                found[run].add(path)
        if "files" in self._data:
            for run, path in zip(*(self._data.column("files", column) for column in ("run", "path")), strict=True):
                found[run].add(path)
        return found

    def _counts(self, run: str) -> bytes:
        table, rows = self._of_confusions
        return counts_file(table.slice(*rows[run]))

    def _predictions(self, run: str) -> bytes:
        table, rows = self._of_predictions
        found = table.slice(*rows[run])
        places = pa.array([self._images[1][image] for image in found["image"].to_pylist()], pa.int64())
        shown = self._images[0].take(places)
        columns = {"image": found["image"], "pixels": shown["pixels"], "truth": shown["truth"]}
        metadata = table.schema.metadata
        return predictions_file(
            pa.table({**columns, "prediction": found["prediction"]}), metadata[CLASSES], metadata[COLORS]
        )

    @cached_property
    def _of_confusions(self) -> tuple[pa.Table, Mapping[str, tuple[int, int]]]:
        return _by_run(self._data.table("confusions"))

    @cached_property
    def _of_predictions(self) -> tuple[pa.Table, Mapping[str, tuple[int, int]]]:
        return _by_run(self._data.table("predictions"))

    @cached_property
    def _images(self) -> tuple[pa.Table, Mapping[str, int]]:
        table = self._data.table("images")
        return table, {name: row for row, name in enumerate(table["image"].to_pylist())}

    @cached_property
    def _others(self) -> Mapping[tuple[str, str], pa.Scalar]:
        if "files" not in self._data:
            return {}
        table = self._data.table("files")
        keys = zip(table["run"].to_pylist(), table["path"].to_pylist(), strict=True)
        return dict(zip(keys, table["content"], strict=True))


def _reports(data: DataSet, runs: list[str]) -> pa.Table:
    """As MLflow gives them: runs and metrics are numbered in the order of trials and of the alphabet."""
    found = data.table("reports").combine_chunks()
    columns = {name: found[name].to_pylist() for name in ("run", "metric")}
    names = {"run": runs, "metric": sorted(set(columns["metric"]))}
    for name, texts in columns.items():
        place = {text: index for index, text in enumerate(names[name])}
        codes = pa.array([place[text] for text in texts], pa.int32())
        named = pa.DictionaryArray.from_arrays(codes, pa.array(names[name], pa.string()))
        found = found.set_column(found.schema.get_field_index(name), name, named)
    return found.cast(REPORTS)


def _by_run(table: pa.Table) -> tuple[pa.Table, Mapping[str, tuple[int, int]]]:
    """A table whose rows of a run follow each other, and first row and number of rows of each run."""
    first: dict[str, int] = {}
    number: dict[str, int] = defaultdict(int)
    for row, run in enumerate(table["run"].to_pylist()):
        first.setdefault(run, row)
        number[run] += 1
    return table.combine_chunks(), {run: (first[run], number[run]) for run in first}
