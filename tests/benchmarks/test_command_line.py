from __future__ import annotations

import json
import platform
from pathlib import Path

import pytest

from benchmarks.command_line import Result, Timing, alternately, figures_table, machine, ratio, run, write_figures
from trainables.domains.recipe import MissingData


def measured(quick: bool) -> Result:
    table = figures_table("counting", "way", "seconds")
    table.add_row("[ours]", "2")
    return Result([table, "an explanation"], {"peer_ratio": 1.5 if quick else 3.0})


@pytest.mark.parametrize(("arguments", "expected"), [([], 3.0), (["--quick"], 1.5)])
def test_a_benchmark_shows_its_machine_and_tables_and_writes_its_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], expected: float
) -> None:
    file = tmp_path / "new" / "figures.json"
    assert run("counting", "Counts.", measured, [*arguments, "--json", str(file)]) == 0
    assert json.loads(file.read_text()) == {"figures": {"peer_ratio": expected}}
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    first, *rest = capsys.readouterr().out.splitlines()
    assert first == machine()
    assert rest[-1] == "an explanation"
    assert any("[ours]" in line for line in rest)


def test_data_that_is_missing_is_a_message_and_not_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    def without_data(quick: bool) -> Result:
        raise MissingData("gtFine is not there")

    assert run("counting", "Counts.", without_data, []) == 2
    assert capsys.readouterr().err == "gtFine is not there\n"


def test_functions_are_timed_in_turn_and_in_both_orders_after_a_warm_up() -> None:
    calls: list[str] = []
    timings = alternately({"ours": lambda: calls.append("o"), "peer": lambda: calls.append("p")}, rounds=3, warmups=2)
    assert "".join(calls) == "oppo" + "op" + "po" + "op"
    assert [len(timing.seconds) for timing in timings.values()] == [3, 3]


def test_the_ratio_is_that_of_the_medians() -> None:
    timings = {"ours": Timing([1.0, 2.0, 9.0]), "peer": Timing([5.0, 6.0, 7.0])}
    assert ratio(timings, "peer", "ours") == 3


def test_a_timing_reads_as_median_and_range_in_its_unit() -> None:
    assert str(Timing([0.0121, 0.0118, 0.014])) == "12.1 ms (11.8 to 14)"
    assert str(Timing([2.0, 4.0, 3.0]).per(2)) == "1.5 s (1 to 2)"
    assert str(Timing([5e-6])) == "5 µs (5 to 5)"


def test_a_figure_that_is_no_number_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_figures(tmp_path / "figures.json", {"ratio": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_the_machine_is_told_by_kind_and_not_by_name() -> None:
    assert platform.node() not in machine()
    assert "torch" in machine() and "threads" in machine()
