"""A study through MLflow's client: for tracking servers, whose database is out of reach."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from analysis.readers.sql import points, reports_table
from analysis.records import PARENT_TAG
from analysis.trials_table import trials_table

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

PAGE = 1000
AT_ONCE = 8
"""Requests under way at the same time."""


def read_through_api(client: MlflowClient, uri: str, parent: str) -> tuple[pa.Table, pa.Table]:
    """Trials and reports of the study whose own run is `parent`."""
    own = client.get_run(parent)
    children = _pages(client, own.info.experiment_id, f"tags.`{PARENT_TAG}` = '{parent}'")
    by_id = {run.info.run_id: run for run in (own, *children)}
    trials = trials_table([_row(run) for run in by_id.values()])
    ids = trials["run"].to_pylist()

    def reported(run: str) -> pa.RecordBatch:
        histories = (client.get_metric_history(run, metric) for metric in by_id[run].data.metrics)
        return points([(p.key, p.step, p.timestamp, p.value) for history in histories for p in history])

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return trials, reports_table(ids, list(pool.map(reported, ids)))


class RunFiles:
    """Artifacts of runs, from wherever MLflow keeps them."""

    def __init__(self, client: MlflowClient) -> None:
        self._client = client
        self.paths = cache(self._paths)

    def _paths(self, run: str) -> Sequence[str]:
        return tuple(sorted(self._walk(run, None)))

    def _walk(self, run: str, folder: str | None) -> Iterator[str]:
        for found in self._client.list_artifacts(run, folder):
            if found.is_dir:
                yield from self._walk(run, found.path)
            else:
                yield found.path

    def read(self, run: str, path: str) -> bytes:
        """The content of one artifact; raises FileNotFoundError."""
        if path not in self.paths(run):
            raise FileNotFoundError(f"run {run} has no artifact {path}")
        with tempfile.TemporaryDirectory() as folder:
            return Path(self._client.download_artifacts(run, path, folder)).read_bytes()

    def add(self, run: str, folder: Path, under: str) -> None:
        """Put the files of a folder among a run's artifacts."""
        self._client.log_artifacts(run, str(folder), under)
        self.paths.cache_clear()


def _pages(client: MlflowClient, experiment: str, query: str) -> Iterator[Run]:
    token = None
    while True:
        page = client.search_runs([experiment], query, max_results=PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _row(run: Run) -> dict:
    return {
        "run": run.info.run_id,
        "name": run.info.run_name,
        "status": run.info.status,
        "start": run.info.start_time,
        "end": run.info.end_time,
        "params": run.data.params,
        "tags": run.data.tags,
    }
