"""A study straight from MLflow's database: one query per run instead of one request per run and metric."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from analysis.records import PARENT_TAG
from analysis.trials_table import REPORTS, TIME, trials_table

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

POINTS = pa.schema([("metric", pa.string()), ("iteration", pa.int64()), ("time", pa.int64()), ("value", pa.float64())])
"""What one run reported; times in milliseconds since the epoch."""


def read_through_sql(client: MlflowClient, uri: str, parent: str) -> tuple[pa.Table, pa.Table]:
    """Trials and reports of the study whose own run is `parent`."""
    from sqlalchemy import create_engine

    engine = create_engine(uri)
    try:
        with engine.connect() as connection:
            trials = _trials(connection, parent)
            runs = trials["run"].to_pylist()
            return trials, reports_table(runs, [_points(connection, run) for run in runs])
    finally:
        engine.dispose()


def _members(parent: str) -> Any:
    """Identities of the study's own run and of its trials, none of them deleted."""
    from mlflow.store.tracking.dbmodels.models import SqlRun, SqlTag
    from sqlalchemy import or_, select

    children = select(SqlTag.run_uuid).where(SqlTag.key == PARENT_TAG, SqlTag.value == parent)
    of_study = or_(SqlRun.run_uuid == parent, SqlRun.run_uuid.in_(children))
    return select(SqlRun.run_uuid).where(of_study, SqlRun.lifecycle_stage == "active")


def _trials(connection: Any, parent: str) -> pa.Table:
    from mlflow.store.tracking.dbmodels.models import SqlParam, SqlRun, SqlTag
    from sqlalchemy import select

    members = _members(parent)
    texts: dict[type, dict[str, dict[str, str]]] = {}
    for model in (SqlParam, SqlTag):
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for run, name, value in connection.execute(
            select(model.run_uuid, model.key, model.value).where(model.run_uuid.in_(members))
        ):
            found[run][name] = value
        texts[model] = found
    columns = (SqlRun.run_uuid, SqlRun.name, SqlRun.status, SqlRun.start_time, SqlRun.end_time)
    runs = connection.execute(select(*columns).where(SqlRun.run_uuid.in_(members))).all()
    rows = [
        {
            "run": run,
            "name": name,
            "status": status,
            "start": start,
            "end": end,
            "params": texts[SqlParam][run],
            "tags": texts[SqlTag][run],
        }
        for run, name, status, start, end in runs
    ]
    return trials_table(rows)


def _points(connection: Any, run: str) -> pa.RecordBatch:
    from mlflow.store.tracking.dbmodels.models import SqlMetric
    from sqlalchemy import case, null, select

    value = case((SqlMetric.is_nan, null()), else_=SqlMetric.value)
    query = select(SqlMetric.key, SqlMetric.step, SqlMetric.timestamp, value).where(SqlMetric.run_uuid == run)
    with connection.execute(query) as found:
        return points(found.cursor.fetchall())  # the driver's tuples: SQLAlchemy's rows would take twice the time


def points(rows: Sequence[tuple[str, int, int, float | None]]) -> pa.RecordBatch:
    """What a run reported as `POINTS` has it, of tuples in its order; None is NaN."""
    columns = zip(*rows, strict=True) if rows else [()] * len(POINTS)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, POINTS, strict=True)]
    return pa.RecordBatch.from_arrays([*arrays[:-1], arrays[-1].fill_null(math.nan)], schema=POINTS)


def reports_table(runs: Sequence[str], reported: Sequence[pa.RecordBatch]) -> pa.Table:
    """Reports in their order, of the points of every run."""
    table = pa.Table.from_batches(reported, POINTS)
    run = np.repeat(np.arange(len(runs)), [batch.num_rows for batch in reported])
    found = table["metric"].combine_chunks().dictionary_encode()
    names = sorted(found.dictionary.to_pylist())
    place = np.array([names.index(name) for name in found.dictionary.to_pylist()], np.int64)
    metric = place[found.indices.to_numpy()]
    iteration, time, value = (table[name].to_numpy() for name in ("iteration", "time", "value"))
    order = np.lexsort((value, time, metric, iteration, run))
    named = [
        pa.DictionaryArray.from_arrays(pa.array(codes[order], pa.int32()), pa.array(texts, pa.string()))
        for codes, texts in ((run, runs), (metric, names))
    ]
    times = pa.array(time[order]).cast(TIME)
    return pa.Table.from_arrays([*named, pa.array(iteration[order]), times, pa.array(value[order])], schema=REPORTS)
