from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from analysis.statistics.seeds import holm
from benchmarks import inference, inference_peer
from benchmarks.command_line import run
from benchmarks.inference import Size, figures_of, grid, simulate, simulate_counts
from benchmarks.inference_counts import drawn_confusions, drawn_runs
from benchmarks.inference_draws import LOUD_BUDGET, Point, draw, units

RNG = np.random.default_rng


def test_drawn_differences_have_the_variances_that_are_said() -> None:
    for kind in ("independent", "sequences", "video"):
        drawn = draw(Point(4, 1, images=1.0, kind=kind), 1500, RNG(0))
        runs = drawn.scores.mean(axis=3)
        differences = runs[:, 1] - runs[:, 0]
        assert differences.var(axis=1, ddof=1).mean() == pytest.approx(1, rel=0.08)
        assert differences.mean(axis=1).var() == pytest.approx(1 / 4 + 1 / 4, rel=0.12)


def test_images_of_a_sequence_resemble_each_other_and_make_one_unit() -> None:
    scores = draw(Point(2, 1, images=50.0, kind="sequences"), 400, RNG(0)).scores
    of_image = (scores[:, 1] - scores[:, 0]).mean(axis=1)
    neighbours = np.corrcoef(of_image[:, 0], of_image[:, 1])[0, 1]
    strangers = np.corrcoef(of_image[:, 5], of_image[:, 6])[0, 1]
    assert neighbours > 0.4 > 0.15 > abs(strangers)
    assert units("sequences").tolist()[:8] == [0, 0, 0, 0, 0, 0, 1, 1]


def test_the_seed_that_chose_is_lucky_and_fresh_seeds_are_not() -> None:
    drawn = draw(Point(3, 4, chosen=True), 800, RNG(0))
    fresh, reused = (scores.mean(axis=3) for scores in (drawn.scores, drawn.reused))
    error = (fresh[:, 1:, 0] - fresh[:, :1, 0]) - drawn.truth
    lucky = (reused[:, 1:, 0] - reused[:, :1, 0]) - drawn.truth
    assert abs(error.mean()) < 0.1 < 0.3 < lucky.mean()
    assert drawn.truth.mean() > 0.2, "the best of 8 is better than any of them"


def test_a_loud_budget_is_twice_as_loud_and_every_budget_has_its_baseline() -> None:
    point = Point(3, 6, LOUD_BUDGET, budgets=3)
    assert point.deviations.tolist() == [2, 2, 2, 1, 1, 1, 1, 1, 1]
    assert point.sides.tolist() == [[1, 0], [2, 0], [4, 3], [5, 3], [7, 6], [8, 6]]
    runs = draw(point, 1, RNG(0)).runs(0)
    assert list(runs.budgets.values()) == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_the_grid_has_every_design_that_was_asked_for() -> None:
    points = grid()
    assert {point.seeds for point in points} == {3, 5, 10}
    assert {point.comparisons for point in points} == {3, 6, 12}
    assert {point.kind for point in points} == {"independent", "sequences"}
    assert {point.images for point in points} == {0.0, 0.3, 1.0}
    assert {point.chosen for point in points} == {True, False}
    assert len(set(points)) == len(points)


def test_the_peer_is_the_paired_t_test_and_holm() -> None:
    p = RNG(0).random((20, 5)) ** 3
    np.testing.assert_allclose(inference_peer.holm(p), [holm(row.tolist()) for row in p])
    differences = RNG(1).normal(0.8, 1, (40, 3, 6, 60))
    called = inference_peer.called(differences, np.zeros(3))
    of_seeds = differences.mean(axis=3)
    for study in range(40):
        sure = [p < 0.05 for p in holm([float(stats.ttest_1samp(one, 0).pvalue) for one in of_seeds[study]])]  # pyright: ignore
        assert called[study].tolist() == [int(one) for one in sure], "images leave no doubt here"


def test_a_point_is_simulated_the_same_every_time_and_its_shares_are_shares() -> None:
    point = Point(3, 2, "loud baseline", 1.0, "sequences")
    one, again = simulate(point, 50, 7), simulate(point, 50, 7)
    assert one == again and one.studies == 50
    for share in (one.covered, one.peer_errs, *one.power, *one.peer_power, *one.shown_equivalent):
        assert 0 <= share <= 1
    assert one.power == tuple(sorted(one.power)) and one.shown_equivalent == tuple(sorted(one.shown_equivalent))
    assert one.covered > 0.8


def test_counts_take_the_path_of_real_data() -> None:
    point = Point(3, 2, images=1.0, kind="sequences")
    confusions = drawn_confusions(point, RNG(0))
    assert confusions.shape == (3, 3, 60, 8, 8) and confusions.min() >= 0
    runs = drawn_runs(point, RNG(0))
    assert {len(pulls) for of_cell in runs.pulls.values() for pulls in of_cell.values()} == {10}
    assert all(20 < miou < 90 for of_cell in runs.mious.values() for miou in of_cell.values())
    assert simulate_counts(point, 10, 0) > 0.5


def test_the_figures_are_of_the_worst_points_drawn_again_and_of_all_alternatives() -> None:
    rows = [simulate(Point(seeds, 2), 50, 0) for seeds in (3, 5)]
    found = figures_of(rows, rows[1:])
    assert found["fwer"] == 1 - rows[1].covered
    assert found["coverage"] == pytest.approx((rows[0].covered + rows[1].covered) / 2)
    ratios = [sum(row.power) / sum(row.peer_power) for row in rows]
    assert found["power_ratio"] == pytest.approx(sum(ratios) / 2)


class InThisProcess:
    def __enter__(self) -> InThisProcess:
        return self

    def map(self, function, *arguments) -> list:
        return list(map(function, *arguments))

    def __exit__(self, *failure: object) -> None:
        pass


def test_the_benchmark_writes_figures_and_rows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(inference, "QUICK", Size(50, 50, 4))
    monkeypatch.setattr(inference, "quick_grid", lambda: [Point(10, 2)])
    monkeypatch.setattr(inference, "Workers", InThisProcess)
    assert run("inference", None, inference.measure, ["--quick", "--json", str(tmp_path / "figures.json")]) == 0
    found = json.loads((tmp_path / "figures.json").read_text())
    assert {"fwer", "coverage", "power_ratio", "false_equivalent"} <= set(found["figures"])
    assert found["rows"][0]["seeds"] == 10 and "covered" in found["rows"][0]


@pytest.mark.slow
def test_the_quick_run_meets_its_targets_within_the_noise_of_few_studies(tmp_path: Path) -> None:
    assert run("inference", None, inference.measure, ["--quick", "--json", str(tmp_path / "figures.json")]) == 0
    figures = json.loads((tmp_path / "figures.json").read_text())["figures"]
    assert figures["coverage"] > 0.93 and figures["power_ratio"] > 1.2 and figures["false_equivalent"] < 0.1
