"""Trials that are late are explained while it lasts: in the driver's output, its live view, and to `--status`."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from ass_tune.ledger.lock import study_lock
from ass_tune.places import Studies
from ass_tune.spec import StudySpec
from ass_tune.terminal import live_view
from ass_tune.terminal.live_view import LinesView, LiveView
from ass_tune.terminal.progress import StudyProgress
from ass_tune.terminal.status import status_tables, study_status
from ass_tune.terminal.waits import FILE, StorageWaits, WaitsFile, wait_lines
from ass_tune.trial import Wait
from trainables.storage import Storage

Spec = Callable[..., StudySpec]


def waiting(number: int, details: str = "free now: 10.0.0.1 has 0 of 2 CPU", since: float = 100.0) -> Wait:
    return Wait(trial=f"adaptor=ga tuning {number}", reason="waits for resources", details=details, since=since)


def test_trials_that_wait_for_the_same_are_one_line_with_the_longest_wait() -> None:
    [line] = wait_lines([waiting(0, since=100.0), waiting(1, since=160.0)], now=220.0)
    assert line == (
        "late     adaptor=ga tuning 0 and 1 more, for 2 min: waits for resources: free now: 10.0.0.1 has 0 of 2 CPU"
    )
    assert wait_lines([waiting(0, details="")], now=130.0) == [
        "late     adaptor=ga tuning 0, for 30 s: waits for resources"
    ]


def test_files_get_a_line_when_a_trial_is_late_and_again_every_few_minutes(
    spec: Spec, driven: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = io.StringIO()
    view = LinesView(Console(file=out, width=300), StudyProgress(driven(spec()).searches, 100))

    def printed_after(*waits: Wait) -> int:
        before = out.getvalue().count("\n")
        view.trials_wait(waits)
        return out.getvalue().count("\n") - before

    assert printed_after(waiting(0)) == 1
    assert printed_after(waiting(0, details="free now: 10.0.0.1 has 1 of 2 CPU")) == 0
    assert printed_after(waiting(0), waiting(1)) == 1
    assert printed_after() == 0
    assert printed_after(waiting(0)) == 1
    monkeypatch.setattr(live_view, "SECONDS_BETWEEN_WAITS", 0.0)
    assert printed_after(waiting(0)) == 1


def test_the_live_view_shows_it_while_it_lasts(spec: Spec, driven: Callable) -> None:
    console = Console(file=io.StringIO(), width=100, height=40)
    view = LiveView(console, "driven", StudyProgress(driven(spec()).searches, 100))

    def shown() -> str:
        with console.capture() as capture:
            console.print(view)
        return " ".join(capture.get().split())

    view.trials_wait([waiting(0)])
    assert "late adaptor=ga tuning 0, for" in shown()
    assert "10.0.0.1 has 0 of 2 CPU" in shown()
    view.trials_wait([])
    assert "late" not in shown()


def test_the_status_explains_it_while_a_driver_runs(spec: Spec, tmp_path: Path) -> None:
    wanted, folder = spec(), tmp_path / "driven"
    with study_lock(folder):
        file = WaitsFile(Storage(str(folder)))
        file.trials_wait([waiting(0)])
        status = study_status(wanted, Studies.at(tmp_path), None)
        assert status.waits == (waiting(0),)
        console = Console(file=io.StringIO(), width=200)
        with console.capture() as capture:
            console.print(*status_tables(status, Studies.at(tmp_path), 200))
        assert "waits for resources: free now: 10.0.0.1 has 0 of 2 CPU" in " ".join(capture.get().split())
    # a driver that was killed takes nothing back
    assert study_status(wanted, Studies.at(tmp_path), None).waits == ()
    with study_lock(folder):
        WaitsFile(Storage(str(folder)))
        assert not (folder / FILE).exists()


@pytest.mark.parametrize("content", [b"", b"[{}]", b"\xff"])
def test_a_damaged_file_of_waits_is_no_error_of_the_status(spec: Spec, tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / "driven"
    with study_lock(folder):
        (folder / FILE).write_bytes(content)
        assert study_status(spec(), Studies.at(tmp_path), None).waits == ()


def test_the_driver_says_that_it_waits_for_its_storage_every_minute_and_when_that_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out, now = io.StringIO(), [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    told = StorageWaits(Console(file=out, width=60))
    for now[0] in (100.0, 110.0, 161.0):
        told("s3://bucket/csa does not answer: could not connect")
    now[0] = 170.0
    told(None)
    told(None)
    assert out.getvalue().splitlines() == [
        "late     the driver, for 0 s: waits for its storage: s3://bucket/csa does not answer: could not connect",
        "late     the driver, for 61 s: waits for its storage: s3://bucket/csa does not answer: could not connect",
        "goes on  the driver: its storage answers again, after 70 s",
    ]
