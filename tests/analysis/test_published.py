"""The paper's tables as they are printed, and how they stand beside ours."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from analysis.load import load_study
from analysis.published import TABLE_1, TABLE_2A, TABLE_2B, TABLE_3, TABLES, Published, caution, with_ours
from tests.support.synthetic import Made, made_study

PAPER = Path(__file__).parents[3] / "shared" / "seeds"


@pytest.fixture(scope="module")
def lines() -> list[list[str]]:
    """Lines of the paper, split into cells."""
    found = sorted(PAPER.glob("*.txt"))
    if not found:
        pytest.skip("the paper: there is no ../shared/seeds")
    return [re.split(r"\t", line.rstrip()) for line in found[0].read_text().splitlines()]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.title.partition(":")[0])
def test_every_figure_is_printed_so(table: Published, lines: list[list[str]]) -> None:
    printed = {(cells[0].split(" ")[0], tuple(cells[1 : 1 + len(table.columns)])) for cells in lines}
    for budget, row in table.rows.items():
        texts = tuple("-" if math.isnan(value) else str(value) for value in row)
        assert (str(budget), texts) in printed


def test_the_best_of_table_2_is_the_entry_of_table_1() -> None:
    place = TABLE_1.columns.index("ga+fcsa")
    for budget, row in TABLE_2A.rows.items():
        assert round(max(row), 1) == TABLE_1.rows[budget][place]
    assert round(max(TABLE_2B.rows[500]), 1) == TABLE_1.rows[500][TABLE_1.columns.index("ga+csa")]


def test_table_3_names_the_improvement_of_ga_at_few_images(lines: list[list[str]]) -> None:
    """What its note says: at 50 to 200 images the printed improvement is GA over the oracle, later GA+CSA."""
    improvements = {50: 8.1, 100: 4.5, 200: 4.0, 500: 3.3, 1000: 2.3, 2975: 3.3}
    for budget, improvement in improvements.items():
        assert any(cells[0].split(" ")[0] == str(budget) and cells[-1] == f"+{improvement}" for cells in lines)
        oracle, ga, csa = TABLE_3.rows[budget]
        assert round((ga if budget <= 200 else csa) - oracle, 1) == improvement


def test_ours_stands_comparison_with_the_paper_at_every_budget_of_either(recorded) -> None:
    study = load_study(recorded.name, recorded.uri)
    found = with_ours(TABLE_1, study).set_index("labeled images")
    assert list(found.index) == ["0", "5", "20", "50", "100", "200", "500", "1000", "2975"]
    assert found.loc["50", "ga+csa, paper"] == "50.1"
    assert (found.loc["50", "ga+csa, ours"], found.loc["5", "ga+csa, paper"]) == ("", "")
    assert re.fullmatch(r"\d\d\.\d ± \d\.\d", str(found.loc["5", "ga+csa, ours"]))
    assert "not Cityscapes" in caution(study)


def ended(miou: float) -> dict[str, dict[int, float]]:
    return {"select/miou": {100: miou}, "report/miou": {100: miou}}


def test_where_lambda_is_a_factor_the_cells_rows_stand_beside_table_2() -> None:
    made = [
        Made(
            {"adaptor": "ga+fcsa", "labeled_images": 100, "lambda_sadv": level},
            ended(50 + seed + 10 * level),
            {},
            "replicate" if seed else "tuning",
            max(0, seed - 1),
            seed,
        )
        for level in (1, 0.2, 0.1)
        for seed in range(3)
    ]
    factors = {"adaptor": ["ga+fcsa"], "labeled_images": [100], "lambda_sadv": [1, 0.2, 0.1]}
    found = with_ours(TABLE_2A, made_study(factors, {}, made)).set_index("labeled images").loc["100"]
    assert found["lambda_sadv=1, ours"] == "61.0 ± 1.0"
    assert found["lambda_sadv=0.2, ours"] == "53.0 ± 1.0"
    assert (found["lambda_sadv=0.04, ours"], found["lambda_sadv=0.008, ours"]) == ("", ""), "0.1 is near to neither"


def test_a_tuned_lambda_stands_for_a_printed_one_within_a_tenth() -> None:
    tried = {0.91: 60.0, 1.09: 62.0, 3.5: 10.0, 0.55: 20.0, 0.0085: 40.0}
    levels = {"adaptor": "ga+fcsa", "labeled_images": 100}
    made = [
        Made(levels, ended(miou), {"lambda_sadv": value}, number=number)
        for number, (value, miou) in enumerate(tried.items())
    ]
    tune = {"lambda_sadv": {"type": "log_uniform", "low": 0.001, "high": 10.0}}
    study = made_study({"adaptor": ["ga+fcsa"], "labeled_images": [100]}, tune, made)
    found = with_ours(TABLE_2A, study).set_index("labeled images").loc["100"]
    ours = [found[f"lambda_sadv={column}, ours"] for column in TABLE_2A.columns]
    assert ours == ["61.0 (2)", "", "", "40.0 (1)"]


def test_the_rows_of_a_study_with_a_control_stand_beside_table_1_without_those_of_the_control() -> None:
    made = [
        Made({"adaptor": adaptor, "labeled_images": 50, "lr_sd": level}, ended(miou + seed), {}, "replicate", 0, seed)
        for adaptor, level, miou in (("ga", 0, 40), ("ga+csa", 0.001, 45), ("ga+csa", 0, 44))
        for seed in range(3)
    ]
    factors = {"adaptor": ["ga", "ga+csa"], "labeled_images": [50], "lr_sd": [0, 0.001]}
    study = made_study(factors, {}, made, control={"lr_sd": 0.0})
    found = with_ours(TABLE_1, study).set_index("labeled images").loc["50"]
    assert (found["ga, ours"], found["ga+csa, ours"]) == ("41.0 ± 1.0", "46.0 ± 1.0")
