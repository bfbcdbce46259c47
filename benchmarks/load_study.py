"""Reading a study of 1000 trials from MLflow's SQLite store: one call against MLflow's client, run by run.

Each trial has reported 30 metrics 50 times. Both ways have to find the same 1.5 million values.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
from mlflow.entities import Metric, Param
from mlflow.store.tracking.dbmodels.models import SqlLatestMetric, SqlMetric, SqlParam, SqlRun
from mlflow.tracking import MlflowClient
from sqlalchemy import Insert, create_engine, insert, select

from analysis.experiments import prepare_mlflow
from analysis.load import load_study
from analysis.study import Study
from ass_tune.wording import format_seconds
from benchmarks.command_line import Result, alternately, figures_table, ratio, run

NAME = "drawn"
TRIALS, QUICK_TRIALS = 1000, 100
REPORTS, METRICS, PARAMETERS = 50, 30, 40
BEGUN = 1_700_000_000_000


def write_study(folder: Path, trials: int) -> str:
    """Write a study of so many trials into a new database; returns its URI.

    MLflow's client writes all runs and the values of the first trial. The database then copies these to the other
    trials, each a little higher, with INSERT: through the client they alone would take half an hour.
    """
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    prepare_mlflow(retries=0, logging_level="CRITICAL")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    client = MlflowClient(uri)
    experiment = client.create_experiment(NAME)
    parent = client.create_run(experiment, BEGUN, {"stage": "study"}, NAME).info.run_id
    about = {"mlflow.parentRunId": parent, "stage": "tuning", "outcome": "finished", "seed": "0"}
    first, *others = (
        client.create_run(experiment, BEGUN + number, {**about, "number": f"{number}"}).info.run_id
        for number in range(trials)
    )
    client.log_batch(first, params=[Param(f"setting_{number}", f"{number / 7}") for number in range(PARAMETERS)])
    for report, values in enumerate(np.random.default_rng(0).random((REPORTS, METRICS)).tolist(), start=1):
        time, step = BEGUN + 1000 * report, 20 * report
        client.log_batch(first, [Metric(f"iou/{number}", value, time, step) for number, value in enumerate(values)])
    engine = create_engine(uri)
    with engine.begin() as connection:
        for model in (SqlParam, SqlLatestMetric, SqlMetric):
            connection.execute(copies(model, first, others))
    engine.dispose()
    return uri


def copies(model: type[SqlParam] | type[SqlLatestMetric] | type[SqlMetric], first: str, others: list[str]) -> Insert:
    """Copy the first run's rows of a table to the other runs; metrics grow with the start time of a run."""
    columns = {column.name: column for column in model.__table__.columns}
    written = {**columns, "run_uuid": SqlRun.run_uuid}
    if model is not SqlParam:
        written["value"] = columns["value"] + (SqlRun.start_time - BEGUN)
    of_all = select(*written.values()).join(SqlRun, SqlRun.run_uuid.in_(others))
    rows = of_all.where(columns["run_uuid"] == first)
    return insert(model).from_select(list(columns), rows)


def through_client(uri: str) -> pd.DataFrame:
    """Every value of the study the way MLflow documents it: search the runs, then ask for each history."""
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name(NAME)
    assert experiment is not None
    runs, token = [], None
    while token != "":
        page = client.search_runs([experiment.experiment_id], max_results=1000, page_token=token)
        runs, token = runs + page, page.token or ""
    return pd.DataFrame(
        [
            (found.info.run_id, metric, point.step, point.timestamp, point.value)
            for found in runs
            for metric in found.data.metrics
            for point in client.get_metric_history(found.info.run_id, metric)
        ],
        columns=["run", "metric", "iteration", "time", "value"],
    )


def check_equal(ours: Study, theirs: pd.DataFrame) -> None:
    """Raise AssertionError unless both have the same values, bit for bit."""
    found = ours.reports.to_pandas().astype({"run": str, "metric": str, "time": np.int64})
    by = ["run", "metric", "iteration"]
    left, right = (frame.sort_values(by, ignore_index=True) for frame in (found, theirs))
    pd.testing.assert_frame_equal(left, right, check_exact=True)


def measure(quick: bool) -> Result:
    """Measure both on the same database; MLflow's way takes minutes and is timed once, between rounds of ours."""
    trials = QUICK_TRIALS if quick else TRIALS
    ours, theirs = "load_study", "search_runs, get_metric_history"
    found: list[pd.DataFrame] = []
    with tempfile.TemporaryDirectory() as folder:
        begun = perf_counter()
        uri = write_study(Path(folder), trials)
        written = perf_counter() - begun
        way = {ours: partial(load_study, NAME, uri)}
        timings = alternately(way, rounds=3)
        timings |= alternately({theirs: lambda: found.append(through_client(uri))}, rounds=1, warmups=0)
        timings[ours].seconds.extend(alternately(way, rounds=3, warmups=0)[ours].seconds)
        check_equal(load_study(NAME, uri), found[0])
    values = trials * REPORTS * METRICS
    title = f"{trials} trials with {REPORTS} reports of {METRICS} metrics: {values} values"
    table = figures_table(title, "", "median", "times ours")
    for name, timing in timings.items():
        table.add_row(name, str(timing), f"{ratio(timings, name, ours):.1f}")
    line = f"both found the same; the database took {format_seconds(written)} to write"
    return Result([table, line], {"seconds": timings[ours].median, "mlflow_ratio": ratio(timings, theirs, ours)})


if __name__ == "__main__":
    sys.exit(run("load_study", __doc__, measure))
