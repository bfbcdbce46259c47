from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ass_tune.replay.curve_table import read_table
from ass_tune.trial import Listener
from benchmarks import search_efficiency as benchmark
from benchmarks.command_line import run
from benchmarks.search_peers import Asha, IEpoch, Oracle
from benchmarks.search_trace import Trace
from trainables.mistakes import ExitCode

CONFIGURATIONS = 5


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Four cells; a configuration ends the higher the later it starts to rise, so that early values mislead."""
    rows = [
        (f"cell {cell}", which, seed, step, which * step / 16 + (CONFIGURATIONS - which) * 0.1 + 0.01 * seed)
        for cell in range(4)
        for which in range(CONFIGURATIONS)
        for seed in range(2)
        for step in range(1, 17)
    ]
    path = tmp_path / "streets.parquet"
    pd.DataFrame(rows, columns=["cell", "configuration", "seed", "step", "value"]).to_parquet(path)
    return path


@pytest.fixture
def curves(table: Path):
    return benchmark.drawn(read_table(table, benchmark.ITERATIONS), 1)


def test_all_methods_get_the_same_configurations_and_without_pruning_all_find_the_best(curves) -> None:
    for method in ("none (random search)", "screened, all go on"):
        trace = Trace(curves)
        (benchmark.PEERS | benchmark.CANDIDATES)[method](curves, trace)
        assert trace.spent == 4 * CONFIGURATIONS * benchmark.REPORTS
        assert trace.regret == 0
        assert trace.choices() == [int(np.argmax(cell.truth)) for cell in curves.cells]


def test_regret_is_of_the_median_where_nothing_is_known_and_falls_as_iterations_are_spent(curves) -> None:
    trace = Trace(curves)
    assert trace.regret == 1
    benchmark.PEERS["none (random search)"](curves, trace)
    regrets = trace.at(np.array([0, 1, 160, 320]))
    assert regrets[0] == 1 and regrets[-1] == 0 and (np.diff(regrets) <= 0).all()
    # truth is 0.1 + 0.9 k for configuration k of 5: the median is 1.8 below the best
    assert [trace.points_at(0), trace.points_at(320)] == [pytest.approx(1.8), 0]


def test_the_oracle_trains_the_best_alone_to_its_end(curves) -> None:
    trace = Trace(curves)
    benchmark.peer(Oracle)(curves, trace)
    assert trace.spent == 4 * (CONFIGURATIONS - 1 + benchmark.REPORTS)
    assert trace.regret == 0


@pytest.mark.parametrize(("reports", "best"), [(1, 1), (3, 2)])
def test_i_epoch_screens_all_and_finishes_the_best_of_the_screening(curves, reports: int, best: int) -> None:
    ends = _ends(IEpoch, curves, reports=reports, best=best)
    for cell in curves.cells:
        of_cell = [(trial, end) for trial, end in ends if trial.cell == cell.cell]
        screened, finished = of_cell[:CONFIGURATIONS], of_cell[CONFIGURATIONS:]
        assert {end.iteration for _, end in screened} == {reports}
        order = np.argsort(-cell.values[:, 0, reports - 1], kind="stable")[:best]
        assert {trial.config["place"] for trial, _ in finished} == set(order.tolist())
        assert {end.iteration for _, end in finished} == {benchmark.REPORTS}


@pytest.mark.parametrize(("reports", "best"), [(1, 1), (3, 2)])
def test_the_products_screening_keeps_what_i_epoch_keeps(curves, reports: int, best: int) -> None:
    ours, theirs = Trace(curves), Trace(curves)
    benchmark.ours(screen=reports, keep=best)(curves, ours)
    benchmark.peer(IEpoch, reports=reports, best=best)(curves, theirs)
    assert ours.spent == theirs.spent == 4 * (CONFIGURATIONS * reports + best * (benchmark.REPORTS - reports))
    assert ours.choices() == theirs.choices()
    assert ours.regret == theirs.regret


def test_rays_scheduler_stops_trials_at_its_rungs_alone(curves) -> None:
    stopped = {end.iteration for _, end in _ends(Asha, curves, reduction_factor=4)}
    assert len(stopped) > 1
    assert stopped <= {1, 4, 16}


def _ends(kind, curves, **arguments):
    class Ends(Listener):
        def __init__(self) -> None:
            self.found = []

        def trial_ended(self, trial, end) -> None:
            self.found.append((trial, end))

    listener = Ends()
    benchmark.VirtualSlots(kind(curves, listener, **arguments), benchmark.Resuming(benchmark.Lives(curves, None))).run(
        3
    )
    return listener.found


def test_the_benchmark_skips_sets_that_are_absent_and_writes_its_figures(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(benchmark, "SETS", {"streets": table, "other": benchmark.PROJECT / "nowhere.parquet"})
    monkeypatch.setattr(benchmark, "QUICK_REPEATS", 2)
    file = tmp_path / "figures.json"
    assert run("search_efficiency", None, benchmark.measure, ["--quick", "--json", str(file)]) == 0
    found = json.loads(file.read_text())
    names = (
        "front_vs_best_peer",
        "iterations_vs_best_peer",
        "winner_kept",
        "winner_kept_best_peer",
        "median_regret_at_25pct",
    )
    assert {*found["figures"]} == {*(f"{name}_streets" for name in names), "replay_trials_per_s"}
    assert found["figures"]["replay_trials_per_s"] > 0
    assert {row["method"] for row in found["rows"]} == {*benchmark.PEERS, *benchmark.CANDIDATES, *benchmark.ORACLE}
    shown = capsys.readouterr().out
    assert "other: skipped, since there is no" in shown
    assert all(f"{name} {found['figures'][f'{name}_streets']:.3f}" in " ".join(shown.split()) for name in names)
    assert next(iter(shown.split("figure: ")[1:])).split("\n")[0].endswith("streets.png")


def test_without_any_curves_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(benchmark, "SETS", {"other": benchmark.PROJECT / "nowhere.parquet"})
    assert run("search_efficiency", None, benchmark.measure, ["--quick"]) == ExitCode.USER_MISTAKE
    assert "no curve set is there: other: skipped" in capsys.readouterr().err
