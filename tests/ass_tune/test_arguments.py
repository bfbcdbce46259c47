"""The command line: what it refuses."""

from __future__ import annotations

import pytest

from ass_tune.arguments import parse


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "half", ""])
def test_a_step_time_is_a_number_above_0(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parse(["file.yaml", "--plan", f"--step-time={seconds}"])
    message = capsys.readouterr().err
    assert f"argument --step-time: found '{seconds}'; allowed: a number of seconds above 0" in message


def test_a_step_time_is_for_plans_only(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parse(["file.yaml", "--step-time", "0.5"])
    assert "--step-time is for --plan" in capsys.readouterr().err
    assert parse(["file.yaml", "--plan", "--step-time", "5e-1"]).step_time == 0.5
