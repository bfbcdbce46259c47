"""SIGTERM and SIGHUP end a command like Ctrl-C, with the exit code of the signal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from tests.support.project import PROJECT

WORK = """
import signal, sys, time
from trainables.command_line import as_process
from trainables.signals import handlers_kept

def main():
    with handlers_kept():
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(number))  # as ray.init does
    try:
        print("ready", flush=True)
        while True:
            time.sleep(0.05)
    except KeyboardInterrupt:
        print("ends", flush=True)
    try:
        time.sleep(float(sys.argv[1]))
    except KeyboardInterrupt:
        print("forced", flush=True)
    return 130

sys.exit(as_process(main))
"""


def started(seconds: float, **how: Any) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", WORK, str(seconds)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        **how,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)], ids=["TERM", "HUP", "INT"]
)
def test_each_signal_ends_politely_with_its_own_code(number: signal.Signals, code: int) -> None:
    process = started(0)
    process.send_signal(number)
    assert process.communicate(timeout=60) == ("ends\n", None)
    assert process.returncode == code


def test_a_signal_that_is_repeated_at_once_is_one_and_a_later_one_forces() -> None:
    process = started(60)
    assert process.stdout is not None
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "ends\n"
    time.sleep(1.5)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=60) == ("forced\n", None)
    assert process.returncode == 143


def test_nohup_is_respected() -> None:
    process = started(0, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 143


def test_a_background_job_that_ignores_ctrl_c_ends_by_sigterm() -> None:
    process = started(0, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=60) == ("ends\n", None)
    assert process.returncode == 143
