"""Metrics into MLflow's tables many rows at a time: through its objects, one for each value, it takes twenty times as
long.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from ass_tune.tracker.transaction import NotTogether

if TYPE_CHECKING:
    from mlflow.entities import Metric
    from sqlalchemy.orm import Session

_accepted: set[str] = set()
"""Names that MLflow permits, as far as they were asked for."""


def insert_metrics(session: Session, run: str, metrics: Sequence[Metric], known: Collection[str]) -> None:
    """Add finite values of one run, in the order of their steps, and make the last one of each metric its latest.

    Raises NotTogether for a run that somebody deleted, what MLflow raises for a name that it does not permit, and the
    database's error for a value that is there.

    Args:
        session: of MLflow's store, in a transaction.
        run: its id.
        metrics: each later than all that the run has of its metric.
        known: names of the metrics of which the run has a value already.
    """
    from mlflow.store.tracking.dbmodels.models import SqlLatestMetric, SqlMetric, SqlRun
    from mlflow.utils.validation import _validate_metric
    from sqlalchemy import bindparam, insert, select, update

    if session.scalar(select(SqlRun.lifecycle_stage).where(SqlRun.run_uuid == run)) != "active":
        raise NotTogether
    for metric in metrics:
        if metric.key not in _accepted:
            _validate_metric(metric.key, metric.value, metric.timestamp, metric.step)
            _accepted.add(metric.key)
    rows = [
        {
            "run_uuid": run,
            "key": metric.key,
            "value": metric.value,
            "timestamp": metric.timestamp,
            "step": metric.step,
            "is_nan": False,
        }
        for metric in metrics
    ]
    session.execute(insert(SqlMetric.__table__), rows)
    latest = {row["key"]: row for row in rows}
    if new := [row for name, row in latest.items() if name not in known]:
        session.execute(insert(SqlLatestMetric.__table__), new)
    if changed := [{**row, "name": name} for name, row in latest.items() if name in known]:
        table = SqlLatestMetric.__table__
        of_metric = update(table).where(table.c.run_uuid == run, table.c.key == bindparam("name"))
        values = {name: bindparam(f"new_{name}") for name in ("value", "timestamp", "step", "is_nan")}
        changes = [{"name": row["name"]} | {f"new_{name}": row[name] for name in values} for row in changed]
        session.connection().execute(of_metric.values(values), changes)
