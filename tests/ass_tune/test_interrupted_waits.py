"""A driver that waits for its storage ends when somebody insists, and the same command goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.kills import kill_tree
from tests.support.object_store import ObjectStore, gate, variables
from tests.support.project import PROJECT
from tests.support.study_files import curves_file

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
AT_ONCE = 60.0
"""Seconds in which a busy machine ends Ray; the last records alone would be tried for longer."""


def started(file: Path, studies: str, folder: Path, port: int) -> subprocess.Popen[str]:
    """A driver in a folder of its own, whose lines are read as they come."""
    folder.mkdir(exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    environment |= {**variables(port), "PYTHONPATH": str(PROJECT), "COLUMNS": "200", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "ass_tune.run", str(file), "--studies", studies, "--no-report"]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, env=environment, cwd=folder, stdout=pipe, stderr=subprocess.STDOUT, text=True, bufsize=1
    )


def said_until(driver: subprocess.Popen[str], words: str) -> str:
    """What a driver says until a line has these words."""
    assert driver.stdout is not None
    said = ""
    while words not in said:
        line = driver.stdout.readline()
        assert line, said
        said += line
    return said


def test_a_third_ctrl_c_ends_a_driver_that_waits_for_its_storage_and_nothing_is_lost(
    object_store: ObjectStore, bucket: str, write_file: Callable[[str], Path], tmp_path: Path
) -> None:
    file = write_file(curves_file(study="away", fixed={"seconds_per_report": 0.5}))
    with gate(object_store.port) as way:
        driver = started(file, f"s3://{bucket}/lab", tmp_path / "here", way.port)
        try:
            said = said_until(driver, "\nreport ")
            way.close()
            said += said_until(driver, f"waits for its storage: s3://{bucket}/lab/away does not answer")
            for _ in range(3):
                driver.send_signal(signal.SIGINT)
                time.sleep(1.0)
            last = time.monotonic()
            assert driver.stdout is not None
            said += driver.stdout.read()
            assert driver.wait(AT_ONCE) == 130, said
            assert time.monotonic() - last < AT_ONCE, said
        finally:
            kill_tree(driver.pid)
        assert "Traceback" not in said, said
        assert "Run the same command again to go on." in said, said

        way.open()
        again = started(file, f"s3://{bucket}/lab", tmp_path / "here", way.port)
        try:
            said = again.communicate(timeout=AT_ONCE * 5)[0]
        finally:
            kill_tree(again.pid)
        assert again.returncode == 0, said
