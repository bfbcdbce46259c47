"""Tables of recorded curves: how they are cut, and what is wrong with bad ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ass_tune.replay.curve_set import DIVERGED
from ass_tune.replay.curve_table import read_table
from trainables.mistakes import UserMistake

REPORTS = (10, 20, 30, 40)


def test_a_report_is_the_newest_evaluation_at_its_time(table: Callable, changed: Callable) -> None:
    path = changed(table(1, 2, 1), lambda rows: rows.assign(value=rows["configuration"] * 100.0 + rows["step"]))
    [cell] = read_table(path, REPORTS).cells
    assert cell.configurations == (1, 2) and cell.seeds == (0,)
    assert cell.values[:, 0].tolist() == [[105, 110, 115, 120], [205, 210, 215, 220]]
    irregular = changed(path, lambda rows: rows[~rows["step"].isin([9, 10, 16, 20])])
    [cell] = read_table(irregular, REPORTS).cells
    assert cell.values[0, 0].tolist() == [104, 108, 114, 119], (
        "of 19 steps a quarter is 4.75, and none is looked ahead at"
    )


def test_a_cell_is_cut_at_the_end_of_its_shortest_run_and_left_out_if_little_remains(
    table: Callable, changed: Callable
) -> None:
    is_short = lambda rows: (rows["cell"] == "cell 1") & (rows["configuration"] == 3) & (rows["seed"] == 1)  # noqa: E731
    path = changed(table(), lambda rows: rows[~is_short(rows) | (rows["step"] <= 16)])
    whole, cut = read_table(path, REPORTS).cells
    rows = pd.read_parquet(path)
    for cell, name, step in ((whole, "cell 0", 20), (cut, "cell 1", 16)):
        ends = rows.query(f"cell == '{name}' and step == {step}")["value"]
        assert cell.results.ravel().tolist() == ends.tolist()

    changed(path, lambda rows: rows[~is_short(rows) | (rows["step"] <= 11)])
    found = read_table(path, REPORTS)
    assert [cell.cell.name for cell in found.cells] == ["cell=cell 0"]
    assert found.left_out == (("cell 1", "11 evaluations up to step 11, at which its shortest run ends"),)


def test_divergence_is_a_result_and_the_worst(table: Callable, changed: Callable) -> None:
    diverges = lambda rows: (rows["configuration"] == 4) & (rows["seed"] == 0) & (rows["step"] >= 8)  # noqa: E731
    path = changed(table(1), lambda rows: rows.assign(value=rows["value"].mask(diverges(rows))))
    [cell] = read_table(path, REPORTS).cells
    assert cell.values[3, 0, 1] == DIVERGED and np.isnan(cell.values[3, 0, 2:]).all()
    assert cell.objectives[3, 0] == cell.results[3, 0] == cell.truth[3] == DIVERGED
    assert cell.regret(2) == 0.0, "the next best one is the best"
    assert cell.regret(3) == cell.regret(None) == cell.at_random > 0


def test_seeds_are_those_under_which_most_configurations_were_trained(table: Callable, changed: Callable) -> None:
    path = changed(table(1, seeds=3), lambda rows: rows[(rows["seed"] != 1) | (rows["configuration"] == 2)])
    [cell] = read_table(path, REPORTS).cells
    assert (cell.seeds, cell.configurations) == ((0, 2), (1, 2, 3, 4))


def test_another_split_reports_where_the_table_has_one(table: Callable, changed: Callable) -> None:
    path = changed(table(1), lambda rows: rows.assign(report=-rows["value"]))
    [cell] = read_table(path, REPORTS).cells
    np.testing.assert_array_equal(cell.results, -cell.objectives)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows.rename(columns={"seed": "sede"}), ["column seed: missing; did you mean 'sede'?"]),
        (lambda rows: rows.drop(columns="configuration"), ["found none; allowed: one of the columns configuration"]),
        (lambda rows: rows.assign(lr=0.1), ["found configuration, lr; allowed: one of the columns"]),
        (lambda rows: rows.assign(value="x", step="y"), ["column step: found", "column value: found"]),
        (lambda rows: rows.assign(step=rows["step"].where(rows["step"] > 2)), ["column step: 32 of 320 rows"]),
        (lambda rows: rows[:0], ["no cell can be replayed: it has no rows"]),
        (lambda rows: rows[rows["configuration"] == 1], ["a single configuration"]),
    ],
)
def test_all_that_is_wrong_with_a_table_is_said_at_once(
    table: Callable, changed: Callable, change: Callable, said: list[str]
) -> None:
    path = changed(table(), change)
    with pytest.raises(UserMistake) as mistake:
        read_table(path, REPORTS)
    assert all(str(path) in str(mistake.value) and one in str(mistake.value) for one in said)


def test_files_that_are_no_tables(tmp_path: Path, table: Callable) -> None:
    table()
    with pytest.raises(UserMistake, match=r"found no such file; did you mean 'recorded\.parquet'"):
        read_table(tmp_path / "recordet.parquet", REPORTS)
    (tmp_path / "broken.parquet").write_bytes(b"no parquet")
    with pytest.raises(UserMistake, match="found no table that can be read"):
        read_table(tmp_path / "broken.parquet", REPORTS)
    (tmp_path / "table.txt").write_text("cell")
    with pytest.raises(UserMistake, match=r"ends in '\.txt'; allowed: \.parquet, \.csv"):
        read_table(tmp_path / "table.txt", REPORTS)


def test_csv_is_read_like_parquet(tmp_path: Path, table: Callable) -> None:
    path = table()
    pd.read_parquet(path).to_csv(tmp_path / "recorded.csv", index=False)
    for one, other in zip(
        read_table(path, REPORTS).cells, read_table(tmp_path / "recorded.csv", REPORTS).cells, strict=True
    ):
        np.testing.assert_array_equal(one.values, other.values)
