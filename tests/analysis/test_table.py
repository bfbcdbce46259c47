from __future__ import annotations

import pandas as pd
import pytest
from mlflow.tracking import MlflowClient

from analysis.conclusions import conclusions, split_note
from analysis.load import load_study
from analysis.statistics.gains import Judged
from analysis.study import Study
from analysis.table import Row, as_people_read, figures, table_rows


@pytest.fixture(scope="module")
def study(recorded) -> Study:
    return load_study(recorded.name, recorded.uri)


@pytest.fixture(scope="module")
def rows(study: Study) -> list[Row]:
    return table_rows(Judged(study))


@pytest.fixture(scope="module")
def ends(recorded) -> pd.DataFrame:
    """Tags, parameters and last metrics of the runs, through MLflow's client alone."""
    client = MlflowClient(tracking_uri=recorded.uri)
    experiment = client.get_experiment_by_name(recorded.name)
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    return pd.DataFrame([{**run.data.params, **run.data.tags, **run.data.metrics} for run in runs])


def test_a_row_is_the_mean_over_seeds_of_the_best_configuration(rows: list[Row], ends: pd.DataFrame) -> None:
    assert [row.cell.label for row in rows] == [
        "joint, 5 labels",
        "joint, 20 labels",
        "ga+csa, 5 labels",
        "ga+csa, 20 labels",
    ]
    for row in rows:
        best = ends[(ends["cell"] == row.cell.name) & (ends["stage"] == "replicate")]
        assert row.report is not None and row.select is not None
        assert (row.report.n, row.hyperparameters) == (3, {"lr": 0.03})
        assert (row.report.mean, row.report.std) == pytest.approx(
            (best["report/miou"].mean(), best["report/miou"].std())
        )
        assert row.select.mean == pytest.approx(best["select/miou"].mean())


def test_outcomes_are_counted_and_baselines_marked(rows: list[Row]) -> None:
    assert [row.is_baseline for row in rows] == [True, True, False, False]
    assert [dict(row.outcomes) for row in rows] == [{"finished": 6}] * 2 + [
        {"finished": 5, "pruned": 1},
        {"finished": 6},
    ]


def test_the_table_is_shown_rounded_and_kept_in_full(study: Study, rows: list[Row]) -> None:
    shown, kept = as_people_read(study, rows), figures(rows)
    assert len(shown) == len(kept) == 4
    assert list(shown["gain"][:2]) == ["baseline", "baseline"]
    for text, mean, std in zip(shown["mIoU report"], kept["report_miou"], kept["report_std"], strict=True):
        assert text == f"{mean:.1f} ± {std:.1f}"
    assert list(kept["best_lr"]) == [0.03] * 4
    assert kept.columns.isin(["gain", "gain_low", "gain_high", "gain_p", "verdict"]).sum() == 5
    assert not kept.columns.isin(["seeds_needed", "effect", "optimism_miou", "images_low"]).any()


def test_conclusions_name_the_place_and_the_intervals(study: Study, rows: list[Row]) -> None:
    (said,) = conclusions(Judged(study))
    assert said.startswith("ga+csa over joint: ")
    for row in rows[2:]:
        assert row.gain is not None
        assert f"at {row.cell.budget} labels ({row.gain.comparison.gain:+.1f}, 95% " in said
        assert str(row.gain.comparison.verdict) in said


def test_the_splits_are_told_apart(study: Study) -> None:
    said = split_note(study)
    assert said.startswith("Configurations were chosen on the select split, under seed 1000. ")
    assert said.endswith("from other images, the report split, and from other seeds, 0, 1, 2.")
    object.__setattr__(paper := load_study_again(study), "plan", {**study.plan, "protocol": "paper"})
    assert "optimistic" in split_note(paper)


def load_study_again(study: Study) -> Study:
    return Study(study.name, study.trials, study.reports, study.files)
