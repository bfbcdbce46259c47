"""Gains of a study recorded in a real MLflow, against what MLflow itself says of its runs."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from mlflow.tracking import MlflowClient
from scipy import stats

from analysis.load import load_study
from analysis.statistics.bootstrap import Comparison
from analysis.statistics.gains import NOT_JUDGED, NOT_SHOWN, UNSURE, Gain, ReportSplit, gain, gains_over_baseline, pairs
from analysis.statistics.seeds import Difference
from analysis.study import Study
from trainables.ass.metrics import miou


@pytest.fixture(scope="module")
def study(recorded) -> Study:
    return load_study(recorded.name, recorded.uri)


@pytest.fixture(scope="module")
def split(study: Study) -> ReportSplit:
    return ReportSplit(study)


def cell(study: Study, name: str):
    return next(found for found in study.cells if found.name == name)


def mious(recorded, adaptor: str, budget: int) -> list[float]:
    """By seed, of the best configuration, as its runs' final metrics have them."""
    client = MlflowClient(tracking_uri=recorded.uri)
    experiment = client.get_experiment_by_name(recorded.name)
    assert experiment is not None
    query = f"tags.adaptor = '{adaptor}' and tags.labeled_images = '{budget}' and params.lr = '0.03'"
    runs = client.search_runs([experiment.experiment_id], query)
    by_seed = {run.data.tags["seed"]: run.data.metrics["report/miou"] for run in runs}
    return [by_seed[seed] for seed in ("0", "1", "2")]


def test_a_gain_is_paired_by_seed(recorded, study: Study, split: ReportSplit) -> None:
    found = gains_over_baseline(split)
    assert list(found) == ["adaptor=ga+csa,labeled_images=5", "adaptor=ga+csa,labeled_images=20"]
    for budget, one in zip((5, 20), found.values(), strict=True):
        assert one.theirs == f"adaptor=joint,labeled_images={budget}"
        test = stats.ttest_rel(mious(recorded, "ga+csa", budget), mious(recorded, "joint", budget))
        assert one.seeds.p_value == pytest.approx(test.pvalue)
        low, high = test.confidence_interval()
        assert (one.seeds.mean - one.seeds.half_width, one.seeds.mean + one.seeds.half_width) == pytest.approx(
            (low, high)
        )


def test_both_p_values_are_corrected_over_the_table(split: ReportSplit) -> None:
    found = list(gains_over_baseline(split).values())
    for raw, corrected in (
        ([one.seeds.p_value for one in found], [one.corrected for one in found]),
        ([one.images.p_value for one in found if one.images], [one.images_corrected for one in found]),
    ):
        first, second = sorted(raw)
        assert sorted(corrected) == pytest.approx([min(1, 2 * first), max(min(1, 2 * first), second)])


def test_images_give_the_same_difference_with_an_interval_of_their_own(study: Study, split: ReportSplit) -> None:
    ours, theirs = (cell(study, f"adaptor={adaptor},labeled_images=20") for adaptor in ("ga+csa", "joint"))
    found = gain(split, ours, split, theirs)
    assert found is not None and found.images is not None
    assert found.images.difference == pytest.approx(found.seeds.mean)
    sides = [study.confusions(list(study.results(side).values())) for side in (ours, theirs)]
    means = [np.mean([miou(run.sum(0)) for run in side.counts]) for side in sides if side]
    assert found.images.difference == pytest.approx(means[0] - means[1])
    assert found.images.low < found.images.difference < found.images.high


def test_pairs_are_cells_of_one_budget(split: ReportSplit) -> None:
    assert [(one.ours, one.theirs) for one in pairs(split)] == [
        (f"adaptor=ga+csa,labeled_images={budget}", f"adaptor=joint,labeled_images={budget}") for budget in (5, 20)
    ]


IMAGES = Comparison(2.0, 1.0, 3.0, 0.001, np.zeros(0))
SURE = Gain("a", "b", Difference(2.0, 1.0, 0.01, 3.0, (0, 1, 2)), IMAGES, 3, 0.04, 0.002)


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (SURE, "better"),
        (replace(SURE, images=None, images_corrected=math.nan), "better"),
        (replace(SURE, seeds=replace(SURE.seeds, mean=-2.0), images=replace(IMAGES, low=-3.0, high=-1.0)), "worse"),
        (replace(SURE, corrected=0.06), f"better{UNSURE}"),
        (replace(SURE, images_corrected=0.06), f"better{UNSURE}"),
        (replace(SURE, seeds=replace(SURE.seeds, half_width=2.1)), NOT_SHOWN),
        (replace(SURE, images=replace(IMAGES, low=-0.1)), NOT_SHOWN),
        (replace(SURE, seeds=replace(SURE.seeds, seeds=(0,), half_width=math.nan)), NOT_JUDGED),
    ],
)
def test_a_verdict_needs_both_intervals_and_both_corrections(found: Gain, verdict: str) -> None:
    assert found.verdict == verdict
