"""How long a study may take, as a text."""

from __future__ import annotations

import time

import pytest

from ass_tune.arguments import parse, time_limit
from ass_tune.limit import TimeLimit
from trainables.mistakes import UserMistake


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90m", 5400), ("7h45m", 27900), ("2d", 172800), ("3600s", 3600), ("1d12h30m15s", 131415), (" 1h ", 3600)],
)
def test_a_limit_counts_from_now(text: str, seconds: int) -> None:
    limit = TimeLimit.from_now(text)
    assert limit.seconds == seconds
    assert limit.ends == pytest.approx(time.time() + seconds, abs=60)
    assert limit.left == pytest.approx(seconds, abs=60)


@pytest.mark.parametrize("text", ["", "7", "7:45:00", "0m", "45m7h", "1.5h", "-3m", "7h 45m", "1w", "9" * 20 + "d"])
def test_what_is_no_limit_is_one_clear_error(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    allowed = "days, hours, minutes and seconds above 0, as in 2d, 7h45m, 90m or 3600s"
    with pytest.raises(SystemExit) as end:
        parse(["csa", f"--limit={text}"])
    assert end.value.code == 2
    assert f"argument --limit: found {text!r}; allowed: {allowed}" in capsys.readouterr().err
    with pytest.raises(UserMistake, match="limit: found"):
        time_limit(text)


def test_a_minute_is_kept_to_save_and_end_and_of_a_short_limit_a_quarter() -> None:
    long, short = TimeLimit(7200.0, 10_000.0), TimeLimit(40.0, 10_000.0)
    assert (long.saves, long.gives_up) == (9940.0, 9970.0)
    assert (short.saves, short.gives_up) == (9990.0, 9995.0)


def test_a_plan_has_no_limit(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["csa", "--plan", "--limit", "2h"])
    assert "--limit is for a study that runs" in capsys.readouterr().err
    assert parse(["csa"], instead="plan").limit is None
