"""Views of a study's experiment that MLflow lists under `Views`: what its users would set up by hand.

MLflow (3.16 and later) keeps a view as a tag of the experiment: a name, a time, and the state of the page as deflated
JSON. An older one ignores the tags.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ass_tune.tracker.names import mlflow_name, row_name
from trainables.objective import MIOU, Objective
from trainables.words import BUDGET, Cell, format_value

TAG = "mlflow.sharedViewState."
LONGEST_TAG = 5000
"""Of an experiment, in characters."""
MOST_FOLDED = 100
"""Rows whose runs are folded away in the beginning, each by its name in the tag."""
_SECTION = "objective"
_TABLE = "table"
"""Identity of the view of the whole table."""
LOCAL_SITE = "http://127.0.0.1:5000"
"""Where `mlflow ui` serves a database if it is not told otherwise."""


def saved_views(
    cells: Sequence[Cell],
    hyperparameters: Sequence[str],
    instance: str,
    now: float,
    protocol: str = "split",
    objective: Objective = MIOU,
) -> dict[str, str]:
    """Tags of the experiment.

    Args:
        cells: of the study, in its order.
        hyperparameters: names of what it tunes.
        instance: identity of the study, of whose runs alone the views are.
        now: seconds since the epoch; MLflow lists later views first.
        protocol: of the study; every view of one that keeps the paper's says so in its name.
        objective: what trials are judged by.
    """
    ours = f"tags.`ass_tune.study` = '{instance}'"
    views = _views(cells, [mlflow_name(name) for name in hyperparameters], ours, objective)
    tags = {}
    for place, (identity, name, state) in enumerate(views):
        packed = base64.b64encode(zlib.compress(json.dumps(state).encode())).decode()
        shown = f"{name} (protocol: paper)" if protocol == "paper" else name
        envelope = {"name": shown, "createdAt": round(now * 1000) - place, "state": f"deflate;{packed}"}
        tags[f"{TAG}{_key(identity, instance)}"] = json.dumps(envelope)
    return {tag: value for tag, value in tags.items() if len(value) <= LONGEST_TAG}


def address_of_table(uri: str, experiment: str, instance: str) -> str:
    """Where a browser finds the saved view of the whole table.

    Args:
        uri: of MLflow; for a database the address is that of `mlflow ui` on this machine.
        experiment: id of the study's experiment.
        instance: identity of the study.
    """
    server = uri.startswith(("http://", "https://"))
    scheme, _, place = uri.rstrip("/").partition("://")
    site = f"{scheme}://{place.rpartition('@')[2]}" if server else LOCAL_SITE
    return f"{site}/#/experiments/{experiment}/runs?viewStateShareKey={_key(_TABLE, instance)}"


def _key(view: str, instance: str) -> str:
    return f"{view}-{instance[:8]}"


def _views(
    cells: Sequence[Cell], hyperparameters: Sequence[str], ours: str, objective: Objective
) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Identity, name and state of each."""
    factors = [mlflow_name(factor) for factor, _ in cells[0].factors]
    of_table, finished = (f"{ours} and tags.{which}" for which in ("in_table = 'yes'", "outcome = 'finished'"))
    yield _TABLE, "table", _rows(of_table, cells, hyperparameters, objective)
    if BUDGET in factors and len(factors) > 1:
        for level in dict.fromkeys(format_value(cell.level(BUDGET)) for cell in cells):
            at = f"{of_table} and tags.{BUDGET} = '{level}'"
            yield f"table-{level}", f"table at {level} labels", _rows(at, cells, hyperparameters, objective)
    yield "table-parallel", "table: parallel coordinates", _parallel(of_table, factors, objective.report, objective)
    if hyperparameters:
        tuning = f"{finished} and tags.stage = 'tuning'"
        state = _parallel(tuning, [*factors, *hyperparameters], objective.select, objective)
        yield "tuning-parallel", "tuning: parallel coordinates", state


def _rows(runs: str, cells: Sequence[Cell], hyperparameters: Sequence[str], objective: Objective) -> dict[str, Any]:
    """A line for each row of the table with the means of its seeds; as charts, bars and learning curves."""
    bars = {"type": "BAR", "metricKey": objective.report}
    curves = {
        "type": "LINE",
        "metricKey": objective.select,
        "selectedMetricKeys": [objective.select],
        "xAxisKey": "step",
        "lineSmoothness": 0,
    }
    folded = {f"tag.row.{row_name(cell)}": False for cell in cells[:MOST_FOLDED]}
    groups = {"aggregateFunction": "average", "groupByKeys": [{"mode": "tag", "groupByData": "row"}]}
    page = _page(runs, objective.report, hyperparameters, [bars, curves], objective)
    return page | {"groupBy": groups, "groupsExpanded": folded}


def _parallel(runs: str, parameters: Sequence[str], metric: str, objective: Objective) -> dict[str, Any]:
    """A line for each run."""
    chart = {"type": "PARALLEL", "selectedParams": list(parameters), "selectedMetrics": [metric], "showAllRuns": False}
    return _page(runs, metric, parameters, [chart], objective) | {"groupBy": None, "groupsExpanded": {}}


def _page(
    runs: str, order: str, parameters: Sequence[str], charts: Sequence[Mapping[str, Any]], objective: Objective
) -> dict[str, Any]:
    """The page of runs, the best first: in MLflow's own order they hide under the study's own run."""
    name = "attributes.`Run Name`"
    section = {"uuid": _SECTION, "name": objective.name, "display": True, "isReordered": False, "columns": len(charts)}
    cards = [
        {"uuid": f"{_SECTION}-{index}", "metricSectionId": _SECTION, "deleted": False, **chart}
        for index, chart in enumerate(charts)
    ]
    return {
        "searchFilter": runs,
        "orderByKey": f"metrics.`{order}`",
        "orderByAsc": objective.sign < 0,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": [
            *(f"metrics.`{metric}`" for metric in (objective.report, objective.select)),
            *(f"params.`{parameter}`" for parameter in parameters),
        ],
        "columnOrder": [name],
        "columnWidths": {name: 280},
        "runsHiddenMode": "SHOW_ALL",
        "compareRunCharts": cards,
        "compareRunSections": [section | {"cardHeight": 480}],
        "isAccordionReordered": True,
        "viewMaximized": False,
        "runListHidden": False,
        "useGroupedValuesInCharts": True,
        "hideEmptyCharts": True,
        "globalLineChartConfig": {"xAxisKey": "step", "lineSmoothness": 0, "selectedXAxisMetricKey": ""},
    }
