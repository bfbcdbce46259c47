"""What the terminal says during a wait."""

from __future__ import annotations

import sys

import pytest

from ass_tune.terminal.waiting import wait_for


def test_a_terminal_says_what_is_waited_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with wait_for("starting [Ray]"):
        pass
    out, err = capsys.readouterr()
    assert "starting [Ray] ..." in err
    assert out == ""


def test_a_file_gets_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with wait_for("starting Ray"):
        pass
    assert capsys.readouterr() == ("", "")
