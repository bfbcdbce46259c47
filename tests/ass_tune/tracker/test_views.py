from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import pytest
from mlflow.utils.validation import MAX_EXPERIMENT_TAG_VAL_LENGTH

from ass_tune.tracker.views import LONGEST_TAG, address_of_table, saved_views
from trainables.words import Cell

CELLS = [Cell((("adaptor", adaptor), ("labeled_images", n))) for adaptor in ("ga", "ga+csa") for n in (5, 50)]


def views(cells: list[Cell], hyperparameters: list[str], instance: str = "0123456789abcdef") -> dict[str, dict]:
    """What each tag says: name and createdAt, and the state of the page unpacked."""
    found = {}
    for tag, value in saved_views(cells, hyperparameters, instance, 1_700_000_000.0).items():
        envelope = json.loads(value)
        packed = envelope.pop("state").removeprefix("deflate;")
        found[tag] = envelope | json.loads(zlib.decompress(base64.b64decode(packed)))
    return found


def charts(view: dict[str, Any]) -> list[tuple]:
    return [(chart["type"], chart.get("metricKey"), chart.get("selectedParams")) for chart in view["compareRunCharts"]]


def test_a_study_has_views_of_its_table_of_each_budget_and_of_its_tuning() -> None:
    found = views(CELLS, ["lambda_sadv"])
    assert list(found) == [
        f"mlflow.sharedViewState.{name}-01234567"
        for name in ("table", "table-5", "table-50", "table-parallel", "tuning-parallel")
    ]
    newest_first = sorted(found.values(), key=lambda view: -view["createdAt"])
    names = ["table", "table at 5 labels", "table at 50 labels", "table: parallel coordinates"]
    assert [view["name"] for view in newest_first] == [*names, "tuning: parallel coordinates"]
    assert all("tags.`ass_tune.study` = '0123456789abcdef'" in view["searchFilter"] for view in found.values())


def test_without_hyperparameters_there_is_no_view_of_tuning() -> None:
    assert not [tag for tag in views(CELLS, []) if "tuning" in tag]


def test_views_of_a_study_by_the_papers_protocol_say_so() -> None:
    for tag, value in saved_views(CELLS, ["lambda_sadv"], "0" * 16, 0.0, "paper").items():
        assert json.loads(value)["name"].endswith(" (protocol: paper)"), tag


def test_the_table_is_a_line_per_row_that_can_be_unfolded_with_the_means_of_its_seeds() -> None:
    table, at_5, *_ = views(CELLS, ["lambda_sadv"]).values()
    assert table["groupBy"] == {"aggregateFunction": "average", "groupByKeys": [{"mode": "tag", "groupByData": "row"}]}
    assert table["groupsExpanded"] == {
        f"tag.row.{adaptor} · {n} labels": False for adaptor in ("ga", "ga+csa") for n in (5, 50)
    }
    assert table["selectedColumns"] == ["metrics.`report/miou`", "metrics.`select/miou`", "params.`lambda_sadv`"]
    assert charts(table) == [("BAR", "report/miou", None), ("LINE", "select/miou", None)]
    assert at_5["searchFilter"] == f"{table['searchFilter']} and tags.labeled_images = '5'"


def test_parallel_coordinates_have_the_factors_and_for_tuning_the_hyperparameters_too() -> None:
    *_, table, tuning = views(CELLS, ["lambda_sadv", "lr//sd"]).values()
    assert charts(table) == [("PARALLEL", None, ["adaptor", "labeled_images"])]
    assert charts(tuning) == [("PARALLEL", None, ["adaptor", "labeled_images", "lambda_sadv", "lr/sd"])]
    assert (table["orderByKey"], tuning["orderByKey"]) == ("metrics.`report/miou`", "metrics.`select/miou`")
    assert tuning["searchFilter"].endswith("tags.outcome = 'finished' and tags.stage = 'tuning'")


def test_a_study_without_budgets_or_without_factors_has_the_other_views() -> None:
    for cells in ([Cell(())], [Cell((("labeled_images", n),)) for n in (5, 50)], [Cell((("adaptor", "ga"),))]):
        names = [view["name"] for view in views(cells, ["lr"]).values()]
        assert names == ["table", "table: parallel coordinates", "tuning: parallel coordinates"]
    assert "tag.row.all" in next(iter(views([Cell(())], []).values()))["groupsExpanded"]


def test_no_view_is_longer_than_mlflow_permits() -> None:
    assert LONGEST_TAG <= MAX_EXPERIMENT_TAG_VAL_LENGTH
    many = [
        Cell((("adaptor", f"adaptor {a * 7919 % 1000}"), ("labeled_images", n))) for a in range(500) for n in (5, 9)
    ]
    values = saved_views(many, [f"lambda_{number}" for number in range(50)], "0" * 32, 0.0).values()
    assert len(values) == 5
    assert max(map(len, values)) <= LONGEST_TAG
    names = [f"{number * 2654435761 % 2**32:x}" * 20 for number in range(200)]
    kept = views([Cell((("adaptor", name),)) for name in names], names)
    assert [view["name"] for view in kept.values()] == ["table", "table: parallel coordinates"]


@pytest.mark.parametrize(
    ("uri", "site"),
    [
        ("sqlite:////somewhere/mlflow.db", "http://127.0.0.1:5000"),
        ("https://tracking.example/ml/", "https://tracking.example/ml"),
        ("http://user:secret@127.0.0.1:8080", "http://127.0.0.1:8080"),
    ],
)
def test_the_address_of_the_table_is_that_of_its_view_without_a_password(uri: str, site: str) -> None:
    view = next(iter(views(CELLS, []))).removeprefix("mlflow.sharedViewState.")
    assert address_of_table(uri, "7", "0123456789abcdef") == f"{site}/#/experiments/7/runs?viewStateShareKey={view}"
