"""A study of errors concludes what its mirror image does, a study of mIoUs, and speaks of errors."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from analysis.report.contents import PAGE, report_files
from analysis.statistics.gains import Judged
from analysis.study import Study
from analysis.table import figures, table_rows
from tests.support.synthetic import Made, made_study
from trainables.objective import Objective

ERROR = Objective(name="error", metric="error", unit="%", direction="minimize")
LR = {"lr": {"type": "log_uniform", "low": 0.001, "high": 1.0}}


def trials() -> list[Made]:
    found = []
    for place, adaptor in enumerate(("ga", "csa")):
        for number, lr in enumerate((0.01, 0.1, 0.3)):
            value = 40 + 3 * place - 2 * abs(number - 1)
            curve = {"select/miou": {50: value - 5, 100: value}, "report/miou": {100: value - 0.5}}
            found.append(Made({"adaptor": adaptor}, curve, {"lr": lr}, number=number, seed=9))
        for seed in range(4):
            value = 40 + 3 * place + 0.2 * seed * (1 + place)
            curve = {"select/miou": {100: value}, "report/miou": {100: value}}
            found.append(Made({"adaptor": adaptor}, curve, {"lr": 0.1}, "replicate", seed, seed))
    return found


def mirrored(trial: Made) -> Made:
    curves = {
        name.replace("miou", "error"): {at: 100.0 - value for at, value in curve.items()}
        for name, curve in trial.curves.items()
    }
    return replace(trial, curves=curves)


@pytest.fixture(scope="module")
def both() -> tuple[Study, Study]:
    about = {"baseline": {"adaptor": "ga"}, "comparisons": [("adaptor=csa", "adaptor=ga", None)], "seeds": range(4)}
    ablate, large = {"adaptor": ["ga", "csa"]}, trials()
    small = [mirrored(trial) for trial in large]
    return made_study(ablate, LR, large, **about), made_study(ablate, LR, small, objective=ERROR, **about)


def test_the_same_configurations_are_chosen_and_the_gains_have_the_same_sign(both: tuple[Study, Study]) -> None:
    large, small = (figures(table_rows(Judged(study))) for study in both)
    assert small["best_lr"].tolist() == large["best_lr"].tolist() == [0.1, 0.1]
    for column in ("gain", "gain_low", "gain_high", "verdict"):
        assert small[column].tolist()[1] == pytest.approx(large[column].tolist()[1])
    assert large["verdict"].tolist()[1] == "better"
    assert small["report_error"].tolist() == pytest.approx([100 - value for value in large["report_miou"]])


def test_its_report_speaks_of_errors(both: tuple[Study, Study]) -> None:
    files = report_files(both[1])
    texts = {name: content.decode() for name, content in files.items() if name == PAGE or name.endswith(".csv")}
    assert not [name for name, text in texts.items() if re.search("miou", text, re.IGNORECASE)]
    for said in ("error is in percent, on the report split", "Less error is better", "error report", "lowest mean"):
        assert said in texts[PAGE]
    assert "mIoU is in percent, on the report split" in report_files(both[0])[PAGE].decode()
