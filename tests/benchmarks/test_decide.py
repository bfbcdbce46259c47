from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.statistics.verdict import Verdict
from benchmarks import decide, decide_curves
from benchmarks.command_line import run
from benchmarks.decide import FIXED, Errors, Row, Size, errors, figures_of, simulate
from benchmarks.inference_draws import Point
from tests.benchmarks.test_inference import InThisProcess

ROW = Row(
    point=Point(12, 2),
    margin=1.0,
    seeds=4.0,
    right=0.5,
    found=0.8,
    fixed_right=(0.0, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9),
    fixed_found=(0.0, 0.2, 0.3, 0.4, 0.6, 0.8, 0.9, 1.0),
    wrong=0.0,
)


def test_the_ratio_is_that_to_the_fixed_number_of_equal_power() -> None:
    assert ROW.ratio == pytest.approx(4 / 5.5), "half right is between 5 and 6 seeds"
    assert ROW.ratio_to_find == pytest.approx(4 / 8)
    none = Errors(ROW.point, 10, 0.1)
    figures = figures_of([none], [none], [ROW, replace(ROW, seeds=8.0, margin=2.0)])
    assert figures["fwer"] == 0.1
    assert figures["runs_ratio"] == pytest.approx(1.5 * 4 / 5.5)
    assert figures["runs_ratio_to_find"] == pytest.approx(0.5), "of the smallest margin alone"


def test_a_design_is_simulated_the_same_every_time_and_its_shares_are_shares() -> None:
    point = Point(12, 2)
    one, again = simulate(point, 1.0, 12, 7), simulate(point, 1.0, 12, 7)
    assert one == again
    assert 3 <= one.seeds <= 12 and len(one.fixed_right) == len(one.fixed_found) == len(FIXED)
    assert all(0 <= share <= 1 for share in (one.right, one.found, one.wrong, *one.fixed_right, *one.fixed_found))
    assert one.found > 0.5 and one.fixed_found[-1] > one.fixed_found[0]
    assert errors(point, 5, 0) == errors(point, 5, 0)


def recorded(cells: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = []
    for cell in range(cells):
        for configuration in range(2):
            for seed in range(5):
                last = 14 + seed
                value = 10.0 * cell * configuration + rng.normal(0, 0.5)
                curve = [(f"s{cell}/work_jax", configuration, seed, step, value + step) for step in range(1, last)]
                rows += curve
    return pd.DataFrame(rows, columns=["cell", "configuration", "seed", "step", "value"])


def test_recorded_runs_are_compared_at_equal_steps_in_one_table_for_each_configuration() -> None:
    alike, apart = list(decide_curves.tables(recorded()))
    assert list(alike) == ["s0", "s1", "s2"] and list(alike["s0"]) == [0, 1, 2, 3, 4]
    means = [float(np.mean(list(apart[cell].values()))) for cell in apart]
    assert means[1] - means[0] > 5 and means[2] - means[1] > 5


def test_a_cell_with_few_evaluations_is_left_out() -> None:
    curves = recorded()
    short = curves[(curves["cell"] != "s2/work_jax") | (curves["step"] < 6)]
    assert all(list(table) == ["s0", "s1"] for table in decide_curves.tables(pd.DataFrame(short)))


def test_verdicts_until_decided_are_held_against_those_of_all_seeds(tmp_path: Path) -> None:
    recorded().to_parquet(tmp_path / "curves.parquet")
    found = decide_curves.of_algoperf(tmp_path / "curves.parquet")
    assert len(found.pairs) == 4 and found.all_runs == 30
    assert 18 <= found.runs < 30, "clear gains stop after three seeds"
    assert found.same >= 0.5 and found.compatible == 1
    assert "AlgoPerf, 4 comparisons" in found.sentence() and "of 5 seeds" in found.sentence()


def streets() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = [
        (f"adaptor={adaptor},labeled_images={labels}", seed, 30 + gain + labels + rng.normal(0, 0.3))
        for adaptor, gain in (("ga", 0), ("joint", -5), ("ga+csa", 5))
        for labels in (5, 20)
        for seed in range(100, 110)
    ]
    return pd.DataFrame(rows, columns=["cell", "seed", "value"])


def test_on_streets_each_adaptor_is_compared_with_ga_at_its_budget(tmp_path: Path) -> None:
    streets().to_parquet(tmp_path / "seeds.parquet")
    found = decide_curves.of_streets(tmp_path / "seeds.parquet")
    assert sorted(found.pairs) == [(Verdict.BETTER, Verdict.BETTER)] * 2 + [(Verdict.WORSE, Verdict.WORSE)] * 2
    assert (found.seeds, found.all_runs) == (10, 60)
    figures = decide_curves.figures(
        [found, replace(found, name="AlgoPerf", pairs=[*found.pairs[:1] * 3, (Verdict.WORSE, Verdict.UNDECIDED)])]
    )
    assert (figures["same_conclusion"], figures["same_conclusion_algoperf"]) == (7 / 8, 3 / 4)


@pytest.mark.parametrize("curves", [True, False])
def test_the_benchmark_writes_figures_and_rows(
    curves: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(decide, "QUICK", Size(4, 4, 6))
    monkeypatch.setattr(decide, "grid", lambda quick: [Point(12, 2)])
    monkeypatch.setattr(decide, "Workers", InThisProcess)
    streets().to_parquet(tmp_path / "seeds.parquet")
    if curves:
        recorded().to_parquet(tmp_path / "algoperf.parquet")
    sets = {"seeds": decide_curves.of_streets, "algoperf": decide_curves.of_algoperf}
    monkeypatch.setattr(decide_curves, "SETS", {tmp_path / f"{name}.parquet": of for name, of in sets.items()})
    assert run("decide", None, decide.measure, ["--quick", "--json", str(tmp_path / "figures.json")]) == 0
    found = json.loads((tmp_path / "figures.json").read_text())
    assert {"fwer", "runs_ratio"} <= set(found["figures"])
    assert "same_conclusion" in found["figures"]
    assert ("same_conclusion_algoperf" in found["figures"]) is curves
    assert ("left out" in capsys.readouterr().out) is not curves
    assert {one["kind"] for one in found["rows"]} == {"nulls", "again", "gains"}
