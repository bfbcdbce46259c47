"""The two tables that a study is read into: its runs, and everything that they reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

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
