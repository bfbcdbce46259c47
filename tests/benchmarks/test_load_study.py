from __future__ import annotations

import json
from pathlib import Path

import pytest

from analysis.load import load_study
from benchmarks import load_study as benchmark
from benchmarks.command_line import run


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"QUICK_TRIALS": 3, "REPORTS": 4, "METRICS": 2}.items():
        monkeypatch.setattr(benchmark, name, value)


def test_the_drawn_study_has_all_trials_and_values_and_both_ways_find_them(tmp_path: Path) -> None:
    uri = benchmark.write_study(tmp_path, trials=3)
    ours, theirs = load_study(benchmark.NAME, uri), benchmark.through_client(uri)
    assert ours.trials["stage"].to_pylist() == ["study", "tuning", "tuning", "tuning"]
    assert {len(params) for params in ours.trials["params"].to_pylist()[1:]} == {benchmark.PARAMETERS}
    assert len(theirs) == 3 * 4 * 2 == theirs["value"].nunique()
    benchmark.check_equal(ours, theirs)
    theirs.loc[5, "value"] += 1e-15
    with pytest.raises(AssertionError, match="value"):
        benchmark.check_equal(ours, theirs)


def test_the_benchmark_writes_its_figures(tmp_path: Path) -> None:
    assert run("load_study", None, benchmark.measure, ["--quick", "--json", str(tmp_path / "figures.json")]) == 0
    figures = json.loads((tmp_path / "figures.json").read_text())["figures"]
    assert set(figures) == {"seconds", "mlflow_ratio"}
    assert min(figures.values()) > 0
