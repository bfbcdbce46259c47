"""The writer in a process of its own keeps what the thread promises, and what only a process has to promise."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from ass_tune.tracker.outbox import Outbox
from ass_tune.tracker.store import MlflowStore
from ass_tune.tracker.tracker import Tracker
from ass_tune.trial import End
from tests.support.mlflow_server import free_port, wait_until, wedged_server
from tests.support.project import PROJECT
from trainables.storage import Storage

Make = Callable[..., Any]


def writer() -> psutil.Process:
    """The process that delivers for this one."""
    (found,) = [child for child in psutil.Process().children() if "writer_process" in " ".join(child.cmdline())]
    return found


def test_all_of_a_study_is_delivered_by_another_process(
    open_tracker: Make, archive: Make, make_trial: Make, make_report: Make, finished: End, folder: Path
):
    Storage(str(folder)).write_bytes("panel.png", b"png")
    tracker: Tracker = open_tracker(apart=True)
    tracker.start({}, {})
    tracker.trial_started(make_trial())
    for iteration in (10, 20, 30):
        tracker.trial_reported(make_trial(), make_report(iteration))
    wait_until(lambda: tracker.waiting == 0, 60)
    assert tracker.address_of_table is not None
    process = writer()
    tracker.study_file("panel.png", "figures")
    tracker.study_file("missing.png")
    tracker.trial_ended(make_trial(), finished)
    tracker.end()
    assert tracker.close(60) == 0
    assert not process.is_running()
    assert tracker.set_aside == 1
    assert tracker.trouble is None
    seen = archive()
    assert seen.points(make_trial().key, "select/miou") == [(step, step / 3) for step in (10, 20, 30)]
    assert seen.artifacts("study", "figures") == ["figures/panel.png"]
    assert [run.info.status for run in seen.runs()] == ["FINISHED", "FINISHED"]


def test_a_writer_that_is_killed_is_started_again_and_signals_of_the_terminal_leave_it_alone(
    open_tracker: Make, archive: Make, make_trial: Make, make_report: Make, caplog: pytest.LogCaptureFixture
):
    tracker: Tracker = open_tracker(apart=True)
    tracker.start({}, {})
    tracker.trial_started(make_trial())
    wait_until(lambda: tracker.waiting == 0, 60)
    first = writer()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        first.send_signal(number)
    tracker.trial_reported(make_trial(), make_report(10))
    wait_until(lambda: tracker.waiting == 0, 60)
    assert first == writer()
    first.kill()
    tracker.trial_reported(make_trial(), make_report(20))
    wait_until(lambda: tracker.waiting == 0, 60)
    assert first != writer()
    assert "the process that writes to MLflow has ended (exit code -9)" in caplog.text
    assert tracker.close(60) == 0
    assert archive().points(make_trial().key, "select/miou") == [(10, 10 / 3), (20, 20 / 3)]


def test_trouble_and_what_is_set_aside_are_told_in_the_drivers_process(
    open_tracker: Make, folder: Path, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.WARNING):
        tracker: Tracker = open_tracker(MlflowStore(f"http://ann:s3cret@127.0.0.1:{free_port()}"), apart=True)
        tracker.start({}, {})
        wait_until(lambda: tracker.trouble is not None, 60)
        assert tracker.close(60) == 1
    assert "nothing reaches MLflow at present, records wait in" in caplog.text
    assert "s3cret" not in caplog.text + str(tracker.trouble)


def test_a_server_that_never_answers_holds_the_end_no_longer_than_its_time(open_tracker: Make):
    with wedged_server() as port:
        tracker: Tracker = open_tracker(MlflowStore(f"http://127.0.0.1:{port}"), apart=True)
        tracker.start({}, {})
        process = writer()
        begun = time.monotonic()
        assert tracker.close(1.0) == 1
        assert time.monotonic() - begun < 10
    assert tracker.trouble == "not done within 1 s"
    assert not process.is_running()


DRIVER = """
import pathlib, sys, time
from ass_tune.tracker.store import MlflowStore
from ass_tune.tracker.tracker import Tracker
tracker = Tracker("demo", pathlib.Path(sys.argv[1]), MlflowStore(sys.argv[2]), apart=True)
tracker.start({}, {})
time.sleep(1000)
"""


def test_the_writer_dies_with_its_driver_and_the_next_one_goes_on(
    open_tracker: Make, archive: Make, folder: Path, store: MlflowStore
):
    driver = subprocess.Popen([sys.executable, "-c", DRIVER, str(folder), store.uri], cwd=PROJECT)
    wait_until(lambda: bool(psutil.Process(driver.pid).children()), 60)
    (orphan,) = psutil.Process(driver.pid).children()
    os.kill(driver.pid, signal.SIGKILL)
    driver.wait()
    orphan.wait(30)
    assert open_tracker(apart=True).close(60) == 0
    assert len(archive().runs()) == 1


def test_a_line_that_is_being_written_is_left_to_the_process_that_writes_it(folder: Path):
    driver = Outbox(folder)
    driver.append('{"number":0}')
    whole = driver.path.read_bytes()
    reader = Outbox(folder, appends=False)
    driver.append('{"number":1}', '{"number":2}')
    everything = driver.path.read_bytes()
    for end in range(len(whole), len(everything)):
        driver.path.write_bytes(everything[:end])
        assert [entry.sequence for entry in reader.read(9)] == list(range(1, 1 + everything[:end].count(b"\n")))
        assert driver.path.read_bytes() == everything[:end]
    driver.path.write_bytes(everything)
    reader.confirm(reader.read(9)[-1])
    assert reader.waiting == 0
    assert driver.waiting == 3
    driver.look_again()
    assert driver.waiting == 0
