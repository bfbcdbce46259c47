"""Whether a study that was written somewhere is still the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from analysis.artifacts import Files
from analysis.dataset.tables import Digests
from analysis.records import PARENT_TAG
from analysis.study import Study


def difference(
    expected: Study,
    found: Study,
    digests: Digests,
    place: Mapping[str, str] | None = None,
    values: Callable[[np.ndarray], np.ndarray] = np.asarray,
) -> str | None:
    """What differs first, in words; None where nothing does.

    Args:
        expected: the study as it was.
        found: as it is now; runs may come in another order.
        digests: of every artifact that is to be there.
        place: the runs that the expected ones are now; None where they kept their names.
        values: what a place makes of reported values.
    """
    runs = expected.trials["run"].to_pylist()
    to = {run: place[run] if place else run for run in runs}
    return (
        _in_trials(expected.trials, found.trials, to)
        or _in_reports(expected.reports, found.reports, to, values)
        or _in_files(digests, found.files, to)
    )


def _in_trials(expected: pa.Table, found: pa.Table, to: Mapping[str, str]) -> str | None:
    now = {row["run"]: _plain(row) for row in found.to_pylist()}
    if set(now) != set(to.values()):
        return f"{len(to)} runs are {len(now)} others"
    for row in expected.to_pylist():
        tags = dict(row["tags"])
        if PARENT_TAG in tags:
            tags[PARENT_TAG] = to[tags[PARENT_TAG]]
        wanted = {**_plain(row), "run": to[row["run"]], "tags": tags}
        for name, value in now[wanted["run"]].items():
            if value != wanted[name]:
                return f"{name} of run {wanted['run']} is {value} and was {wanted[name]}"
    return None


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """With mappings where Arrow has pairs."""
    return {**row, "params": dict(row["params"]), "tags": dict(row["tags"])}


def _in_reports(
    expected: pa.Table, found: pa.Table, to: Mapping[str, str], values: Callable[[np.ndarray], np.ndarray]
) -> str | None:
    if len(expected) != len(found):
        return f"{len(expected)} reported values are {len(found)}"
    runs, metrics = sorted(to.values()), sorted({*_names(expected, "metric"), *_names(found, "metric")})
    before = _sorted(expected, runs, metrics, to, values)
    after = _sorted(found, runs, metrics, {}, values)
    for name, one, other in zip(("run", "metric", "iteration", "time", "value"), before, after, strict=True):
        if len(places := np.flatnonzero(one != other)):
            row = places[0]
            where = f"run {runs[after[0][row]]}, metric {metrics[after[1][row]]}, iteration {after[2][row]}"
            return f"{len(places)} reported values differ in {name}, the first of {where}"
    return None


def _sorted(
    reports: pa.Table,
    runs: list[str],
    metrics: list[str],
    to: Mapping[str, str],
    values: Callable[[np.ndarray], np.ndarray],
) -> list[np.ndarray]:
    """Columns as integers, values by their bits, in the order of all of them."""
    numbers = np.ascontiguousarray(values(reports["value"].to_numpy()), np.float64)
    columns = [
        _places(reports, "run", runs, to),
        _places(reports, "metric", metrics, {}),
        reports["iteration"].to_numpy(),
        reports["time"].cast(pa.int64()).to_numpy(),
        np.where(np.isnan(numbers), np.nan, numbers).view(np.int64),
    ]
    order = np.lexsort(columns[::-1])
    return [column[order] for column in columns]


def _names(reports: pa.Table, column: str) -> list[str]:
    return reports[column].combine_chunks().dictionary.to_pylist()


def _places(reports: pa.Table, column: str, names: list[str], to: Mapping[str, str]) -> np.ndarray:
    """Where the texts of a column, renamed, are among sorted names."""
    renamed = [to.get(name, name) for name in _names(reports, column)]
    places = np.searchsorted(np.array(names, str), np.array(renamed, str))
    return places[reports[column].combine_chunks().indices.to_numpy()]


def _in_files(digests: Digests, files: Files, to: Mapping[str, str]) -> str | None:
    wanted: dict[str, dict[str, bytes]] = {run: {} for run in to}
    for (run, path), digest in digests.items():
        wanted[run][path] = digest
    for run, paths in wanted.items():
        if list(files.paths(to[run])) != sorted(paths):
            return f"artifacts of run {to[run]} are {', '.join(files.paths(to[run])) or 'none'}"
        for path, digest in paths.items():
            if hashlib.sha256(files.read(to[run], path)).digest() != digest:
                return f"artifact {path} of run {to[run]} is another one"
    return None
