"""The table as Markdown, CSV, PNG and on a terminal."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from rich.console import Console

from analysis.statistics.seeds import Difference, Mean
from ass_tune.search.cells import LeftOut
from ass_tune.spec import StudySpec
from ass_tune.table.figure import table_png
from ass_tune.table.report import write_tables
from ass_tune.table.rows import Row, table_rows
from ass_tune.table.write import csv_table, markdown, terminal_table
from trainables.config import Value
from trainables.storage import Storage
from trainables.words import Cell

Spec = Callable[..., StudySpec]


def spread(mean: float, std: float, n: int) -> Mean:
    return Mean(mean, std, math.nan, n)


def difference(mean: float, half_width: float, n: int) -> Difference:
    return Difference(mean, half_width, math.nan, math.nan, tuple(range(n)))


def row(adaptor: str, labels: Value, **fields: Any) -> Row:
    bare: dict[str, Any] = {
        "cell": Cell((("adaptor", adaptor), ("labeled_images", labels))),
        "select": None,
        "report": None,
        "gain": None,
        "is_baseline": False,
        "hyperparameters": {},
        "finished": 0,
        "pruned": 0,
        "diverged": 0,
        "failed": 0,
    }
    return Row(**{**bare, **fields})


THIRD = 100 / 3
ROWS = [
    row(
        "joint",
        5,
        report=spread(30.04, 1.26, 3),
        select=spread(31.0, 0.0, 3),
        is_baseline=True,
        hyperparameters={"lr": 0.1 + 0.2},
        finished=8,
    ),
    row(
        "ga",
        5,
        report=spread(THIRD, math.nan, 1),
        select=spread(33.0, math.nan, 1),
        gain=difference(THIRD - 30.04, math.nan, 1),
        hyperparameters={"lr": 2.5e-4, "lambda_sadv": 1},
        finished=4,
        pruned=2,
        failed=1,
    ),
    row("ga+csa", 5, gain=difference(-0.25, 1.5, 3), report=spread(29.8, 0.5, 3), finished=3),
    row("csa", 5, failed=6),
]


def body(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


ODD = "$\\frac{a$ [/bold] | :smile: <b>"
"""A level, e.g. the path of weights, that other notations would take for their own."""


def test_a_level_stays_as_it_is_in_every_form_of_the_table() -> None:
    rows = [row(ODD, labels, report=spread(30.0, 1.0, 3)) for labels in (5, 20)]
    for shown in (rows, rows[:1]):  # curves, and bars
        assert table_png("demo", shown).startswith(b"\x89PNG")
    table = [line for line in markdown("demo", rows, [], "split", 0).splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in table} == {table[0].count("|")}
    assert ODD.replace("|", "\\|") in table[2]
    assert ODD in csv_table(rows)
    terminal = Console(width=200, file=io.StringIO(), markup=False, emoji=False)
    terminal.print(terminal_table("demo", rows))
    assert isinstance(terminal.file, io.StringIO) and ODD in terminal.file.getvalue()


def test_markdown_shows_means_deviations_and_gains() -> None:
    _, _, *lines = body(markdown("demo", ROWS, [], "split", 0))
    assert lines == [
        ["joint", "5", "30.0 ± 1.3", "baseline", "31.0 ± 0.0", "3", "lr=0.3", "8"],
        ["ga", "5", "33.3", "+3.3", "33.0", "1", "lr=0.00025, lambda_sadv=1", "4, 2 pruned, 1 failed"],
        ["ga+csa", "5", "29.8 ± 0.5", "-0.2 ± 1.5", "–", "3", "", "3"],
        ["csa", "5", "–", "", "–", "0", "", "0, 6 failed"],
    ]


def test_markdown_names_its_columns() -> None:
    assert body(markdown("demo", ROWS, [], "split", 0))[0] == [
        "adaptor",
        "labeled_images",
        "mIoU report",
        "gain (95%)",
        "mIoU select",
        "seeds",
        "best hyperparameters",
        "trials",
    ]


def test_markdown_says_on_which_images_configurations_were_chosen() -> None:
    split, paper = (markdown("demo", ROWS, [], protocol, 4) for protocol in ("split", "paper"))
    assert "chosen on the select split (seed 4); mIoU is of the report split, other images" in split
    assert "protocol: paper" not in split
    assert "protocol: paper. The same images chose the configurations and gave the mIoU" in paper
    assert "other images" not in paper


def test_markdown_lists_what_was_left_out_with_the_reason() -> None:
    left = LeftOut(Cell((("adaptor", "csa"), ("labeled_images", 0))), "undefined: no labels")
    text = markdown("demo", ROWS, [left], "split", 0)
    assert text.startswith("# demo\n")
    assert text.endswith("Left out:\n- adaptor=csa,labeled_images=0: undefined: no labels\n")
    assert "Left out" not in markdown("demo", ROWS, [], "split", 0)


def test_csv_reads_back_in_full_precision() -> None:
    joint, ga, _, csa = csv.DictReader(io.StringIO(csv_table(ROWS)))
    assert (joint["adaptor"], joint["labeled_images"], joint["finished"]) == ("joint", "5", "8")
    assert float(joint["best_lr"]) == 0.1 + 0.2
    assert (float(ga["report_miou"]), float(ga["gain"])) == (THIRD, THIRD - 30.04)
    assert math.isnan(float(ga["report_std"]))
    assert math.isnan(float(ga["gain_half_width"]))
    assert (ga["best_lambda_sadv"], joint["best_lambda_sadv"]) == ("1", "")
    assert (ga["pruned"], ga["failed"]) == ("2", "1")
    empty = ("report_miou", "report_std", "select_miou", "select_std", "gain", "gain_half_width", "best_lr")
    assert {csa[name] for name in empty} == {""}
    assert csa["seeds"] == "0"


def test_csv_of_a_driven_study_is_the_rows(spec: Spec, driven: Callable) -> None:
    study = driven(spec(baseline={"adaptor": "joint"})).run(3)
    rows = table_rows(study.searches, study.left_out, study.spec.baseline)
    for line, one in zip(csv.DictReader(io.StringIO(csv_table(rows))), rows, strict=True):
        assert one.report is not None
        assert (float(line["report_miou"]), float(line["report_std"])) == (one.report.mean, one.report.std)
        assert (line["gain"] == "") is (one.gain is None)
        if one.gain is not None:
            assert (float(line["gain"]), float(line["gain_half_width"])) == (one.gain.mean, one.gain.half_width)
        found = {name: float(line[f"best_{name}"]) for name in one.hyperparameters}
        assert found == one.hyperparameters


def test_the_terminal_shows_the_same_cells() -> None:
    console = Console(file=io.StringIO(), width=200)
    console.print(terminal_table("study demo", ROWS))
    assert isinstance(console.file, io.StringIO)
    text = " ".join(console.file.getvalue().split())
    assert "study demo" in text
    assert "│ joint │ 5 │ 30.0 ± 1.3 │ baseline │ 31.0 ± 0.0 │ 3 │ lr=0.3 │ 8 │" in text
    assert "│ csa │ 5 │ – │ │ – │ 0 │ │ 0, 6 failed │" in text


def picture(rows: list[Row]) -> Image.Image:
    image = Image.open(io.BytesIO(table_png("demo", rows)))
    assert (image.format, image.size) == ("PNG", (1200, 675))
    return image.convert("RGB")


def has_color(image: Image.Image, color: str) -> bool:
    wanted = tuple(int(color[at : at + 2], 16) for at in (1, 3, 5))
    return any(pixel == wanted for _, pixel in image.getcolors(image.width * image.height) or [])


def test_several_budgets_are_a_line_for_each_adaptor() -> None:
    lines = [
        row(adaptor, labels, report=spread(30.0 + labels / 10, 1.0, 3))
        for adaptor in ("joint", "ga", "ga+csa")
        for labels in (50, 5)
    ]
    image = picture(lines)
    assert all(has_color(image, color) for color in ("#0072B2", "#E69F00", "#009E73"))
    assert not has_color(image, "#D55E00")


def test_one_budget_is_a_bar_for_each_cell_with_the_baseline_in_its_own_colour() -> None:
    image = picture(ROWS)
    assert has_color(image, "#0072B2")
    assert has_color(image, "#E69F00")
    assert not has_color(picture(ROWS[1:]), "#E69F00")


@pytest.mark.parametrize(
    "rows",
    [[], ROWS[3:], [row("ga", 5, report=spread(3.0, 1.0, 2)), row("ga", "tuned", report=spread(4.0, 1.0, 2))]],
    ids=["no rows", "nothing finished", "a tuned budget"],
)
def test_there_is_a_picture_of_every_table(rows: list[Row]) -> None:
    picture(rows)


def test_tables_are_written_into_the_study_folder(spec: Spec, driven: Callable, tmp_path: Path) -> None:
    study = driven(spec(baseline={"adaptor": "joint"}, protocol="paper", replicate={"seeds": [7, 8]})).run(3)
    rows, files = write_tables(study.spec, study.searches, study.left_out, Storage(str(tmp_path)))
    assert files == {kind: f"tables/table.{kind}" for kind in ("md", "csv", "png")}
    assert (tmp_path / files["md"]).read_text() == markdown("driven", rows, study.left_out, "paper", 7)
    assert (tmp_path / files["csv"]).read_text() == csv_table(rows)
    assert Image.open(tmp_path / files["png"]).format == "PNG"
