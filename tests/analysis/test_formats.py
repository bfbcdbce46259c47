from __future__ import annotations

import io

import pandas as pd

from analysis.formats import csv, latex, markdown

TABLE = pd.DataFrame(
    {"adaptor_name": ["ga|x", "ga+csa & co"], "gain": ["baseline", "+1.2 ± 0.3"], "mIoU": ["1.0", "–"]}
)


def test_markdown_escapes_pipes() -> None:
    lines = markdown(TABLE).splitlines()
    assert lines[:2] == ["| adaptor_name | gain | mIoU |", "| --- | --- | --- |"]
    assert lines[2] == r"| ga\|x | baseline | 1.0 |"


def test_latex_has_the_rules_of_booktabs_and_escapes_everything() -> None:
    text = latex(TABLE, "50% of a_b", "tab:x")
    assert [rule for rule in ("\\toprule", "\\midrule", "\\bottomrule") if rule in text] == [
        "\\toprule",
        "\\midrule",
        "\\bottomrule",
    ]
    assert r"\caption{50\% of a\_b}" in text
    assert r"ga+csa \& co & +1.2 $\pm$ 0.3 & -- \\" in text
    assert r"adaptor\_name" in text
    assert text.isascii()


def test_csv_reads_back_to_the_same_bits() -> None:
    table = pd.DataFrame({"x": [0.1 + 0.2, 100 / 3, 5e-324], "y": [1.0, None, 2.0]})
    again = pd.read_csv(io.StringIO(csv(table)), float_precision="round_trip")
    pd.testing.assert_frame_equal(again, table, check_exact=True)
