"""The table of a study as files: the same rows in each, and every level as it is."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import pytest
from PIL import Image

from analysis.report.table_files import table_files
from analysis.statistics.gains import Judged
from analysis.table import Row, table_rows
from tests.support.synthetic import Made, made_study

ODD = "$\\frac{a$ [/bold] | :smile: <b>"
"""A level, e.g. the path of weights, that other notations would take for their own."""


def trials_of(adaptor: str, labels: int, mious: Sequence[float]) -> list[Made]:
    return [
        Made(
            {"adaptor": adaptor, "labeled_images": labels},
            {"select/miou": {100: miou + 1}, "report/miou": {100: miou}},
            {"lr": 0.1 + 0.2},
            stage="replicate" if seed else "tuning",
            seed=seed,
        )
        for seed, miou in enumerate(mious)
    ]


def files_of(*cells: tuple[str, int, Sequence[float]]) -> tuple[list[Row], dict[str, bytes]]:
    """Rows and files of a study of these cells: adaptor, labels, report mIoU of each seed."""
    ablate = {"adaptor": list(dict.fromkeys(c[0] for c in cells)), "labeled_images": list({c[1]: 0 for c in cells})}
    made = made_study(
        ablate,
        {"lr": {"type": "uniform", "low": 0.0, "high": 1.0}},
        [trial for cell in cells for trial in trials_of(*cell)],
    )
    judged = Judged(made)
    rows = table_rows(judged)
    return rows, table_files(judged, rows)


def pixels(content: bytes) -> set[tuple[int, ...]]:
    image = Image.open(io.BytesIO(content))
    assert image.format == "PNG"
    rgb = image.convert("RGB")
    return {color for _, color in rgb.getcolors(rgb.width * rgb.height) or []}  # type: ignore[misc]


BLUE, ORANGE, GREEN = (0x00, 0x72, 0xB2), (0xE6, 0x9F, 0x00), (0x00, 0x9E, 0x73)


def test_a_level_stays_as_it_is_in_every_file() -> None:
    for budgets in ((5, 20), (5,)):  # curves, and bars
        _, files = files_of(*((ODD, budget, (30.0, 31.0)) for budget in budgets))
        assert files["png"].startswith(b"\x89PNG")
        table = [line for line in files["md"].decode().splitlines() if line.startswith("|")]
        assert {line.replace("\\|", "").count("|") for line in table} == {table[0].count("|")}
        assert ODD.replace("|", "\\|") in table[2]
        assert ODD in files["csv"].decode()


def test_csv_reads_back_in_full_precision() -> None:
    third = 100 / 3
    rows, files = files_of(("joint", 5, (30.0, third, 31.5)), ("ga", 5, (third,)))
    joint, ga = csv.DictReader(io.StringIO(files["csv"].decode()))
    assert rows[0].report is not None
    assert (float(joint["report_miou"]), float(joint["report_std"])) == (rows[0].report.mean, rows[0].report.std)
    assert (joint["seeds"], ga["seeds"]) == ("3", "1")
    assert (float(joint["best_lr"]), float(ga["report_miou"])) == (0.1 + 0.2, third)
    assert [joint[outcome] for outcome in ("finished", "pruned", "diverged", "failed")] == ["3", "0", "0", "0"]


def test_markdown_says_which_images_chose() -> None:
    _, files = files_of(("joint", 5, (30.0, 31.0)))
    text = files["md"].decode()
    assert text.startswith("# made\n\n| adaptor | labeled_images | mIoU report |")
    assert "Every mIoU of the table is from other images, the report split" in text
    assert "Left out" not in text


def test_several_budgets_are_a_line_for_each_adaptor() -> None:
    cells = [(adaptor, labels, (30.0, 31.0, 30.5)) for adaptor in ("joint", "ga", "csa") for labels in (5, 50)]
    assert pixels(files_of(*cells)[1]["png"]) >= {BLUE, ORANGE, GREEN}
    two = pixels(files_of(*cells[:4])[1]["png"])
    assert {BLUE, ORANGE} <= two and GREEN not in two


@pytest.mark.parametrize("mious", [(), (30.0,)], ids=["nothing finished", "one seed"])
def test_there_are_files_of_every_table(mious: Sequence[float]) -> None:
    made = made_study({"adaptor": ["ga"]}, {}, [Made({"adaptor": "ga"}, {}, outcome="failed")])
    if mious:
        made = made_study({"adaptor": ["ga"]}, {}, [Made({"adaptor": "ga"}, {"select/miou": {1: 3.0}})])
    judged = Judged(made)
    files = table_files(judged, table_rows(judged))
    assert Image.open(io.BytesIO(files["png"])).format == "PNG"
