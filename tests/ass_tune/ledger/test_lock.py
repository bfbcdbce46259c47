"""The lock of a study, between real processes that do nothing but take it."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ass_tune.ledger.lock import FILE, Holder, StudyBusy, holder, study_lock
from trainables.mistakes import UserMistake

PROJECT = Path(__file__).parents[3]
DRIVER = """
import subprocess, sys
from pathlib import Path
from ass_tune.ledger.lock import study_lock
from trainables.mistakes import UserMistake
print("ready", flush=True)
for folder in sys.stdin:
    try:
        with study_lock(Path(folder.strip())) as left:
            if "child" in sys.argv:
                child = subprocess.Popen(["sleep", "60"], close_fds=False, stdout=subprocess.DEVNULL)
                print("child", child.pid, flush=True)
            print("won", left.pid if left else None, flush=True)
            sys.stdin.readline()
    except UserMistake as mistake:
        print(mistake, flush=True)
"""


class Driver:
    """A process that takes the lock of a folder when told to, and releases it when told so."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-c", DRIVER, *arguments]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=PROJECT)
        assert self.line() == "ready"

    def take(self, folder: Path) -> None:
        self._tell(str(folder))

    def release(self) -> None:
        self._tell("")

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def _tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()


@contextmanager
def drivers(count: int, *arguments: str) -> Iterator[list[Driver]]:
    started = [Driver(*arguments) for _ in range(count)]
    try:
        yield started
    finally:
        for driver in started:
            driver.kill()


@pytest.mark.chaos
def test_of_two_drivers_at_once_exactly_one_wins_and_the_other_names_it_twenty_times(tmp_path):
    winners = set()
    with drivers(2) as pair:
        for attempt in range(20):
            for driver in pair[:: 1 - 2 * (attempt % 2)]:
                driver.take(tmp_path / f"study-{attempt}")
            lines = [driver.line() for driver in pair]
            assert lines.count("won None") == 1, lines
            winner = lines.index("won None")
            pid = pair[winner].process.pid
            assert re.fullmatch(
                rf"study study-{attempt} is being run by process {pid} on {socket.gethostname()} since "
                rf"{datetime.now(UTC):%Y-}[-0-9]+ [:0-9]+ UTC: wait until it ends or stop it with `kill -INT {pid}` "
                rf"on {socket.gethostname()}, then run this command again",
                lines[1 - winner],
            )
            pair[winner].release()
            winners.add(winner)
    assert winners == {0, 1}


@pytest.mark.chaos
def test_the_lock_of_a_driver_that_is_killed_is_taken_over_and_a_living_one_is_named_not_the_dead(tmp_path):
    with drivers(3) as (first, second, third):
        first.take(tmp_path)
        assert first.line() == "won None"
        first.kill()
        assert holder(tmp_path) is None
        second.take(tmp_path)
        assert second.line() == f"won {first.process.pid}"
        third.take(tmp_path)
        assert f"process {second.process.pid} " in third.line()


@pytest.mark.chaos
def test_a_child_that_outlives_its_killed_driver_does_not_keep_the_lock(tmp_path):
    with drivers(1, "child") as (driver,):
        driver.take(tmp_path)
        word, child = driver.line().split()
        assert word == "child"
        assert driver.line() == "won None"
        driver.kill()
        try:
            os.kill(int(child), 0)
            with study_lock(tmp_path) as left:
                assert left is not None
                assert left.pid == driver.process.pid
        finally:
            os.kill(int(child), signal.SIGKILL)


def test_a_driver_that_ended_leaves_nothing_to_take_over(tmp_path):
    with study_lock(tmp_path / "new" / "study"):
        pass
    with study_lock(tmp_path / "new" / "study") as left:
        assert left is None


def test_a_driver_that_raises_releases_the_lock(tmp_path):
    with pytest.raises(ZeroDivisionError), study_lock(tmp_path):
        raise ZeroDivisionError
    assert holder(tmp_path) is None


def test_a_driver_that_opened_the_lock_of_a_folder_that_is_then_put_aside_locks_the_new_one(tmp_path, monkeypatch):
    folder, flock = tmp_path / "study", fcntl.flock

    def put_aside_first(file: int, mode: int) -> None:
        monkeypatch.setattr(fcntl, "flock", flock)
        folder.rename(tmp_path / "aside")
        flock(file, mode)

    monkeypatch.setattr(fcntl, "flock", put_aside_first)
    with study_lock(folder):
        assert holder(folder) is not None
        with pytest.raises(StudyBusy), study_lock(folder):
            pass


def test_who_holds_a_study_is_told_without_touching_it(tmp_path):
    assert holder(tmp_path / "no" / "study") is None
    assert holder(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
    with study_lock(tmp_path):
        before = (tmp_path / FILE).read_bytes()
        found = holder(tmp_path)
        assert (tmp_path / FILE).read_bytes() == before
    assert found is not None
    assert (found.host, found.pid) == (socket.gethostname(), os.getpid())
    assert abs(datetime.now(UTC) - found.since) < timedelta(seconds=10)
    assert holder(tmp_path) is None


def dead_pid() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


@pytest.mark.parametrize("left", ["", "{", "\x00" * 80, "dead"], ids=["nothing", "torn", "zeros", "a dead driver"])
def test_a_holder_that_has_not_written_its_name_yet_is_waited_for(tmp_path, left):
    """The moment between a driver's lock and its name, in which the file has what was left there before."""
    ours = Holder(host=socket.gethostname(), pid=os.getpid(), since=datetime.now(UTC))
    stale = ours.model_copy(update={"pid": dead_pid()}).model_dump_json() if left == "dead" else left
    (tmp_path / FILE).write_text(stale)
    writer = f"""
import fcntl, sys, time
file = open({str(tmp_path / FILE)!r}, "r+")
fcntl.flock(file, fcntl.LOCK_EX)
print("locked", flush=True)
time.sleep(0.3)
file.truncate(0)
file.write({ours.model_dump_json()!r})
file.flush()
sys.stdin.read()
"""
    command = [sys.executable, "-c", writer]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        with pytest.raises(StudyBusy) as busy, study_lock(tmp_path):
            pass
        assert busy.value.holder == ours
        assert holder(tmp_path) == ours


def test_a_holder_that_never_tells_its_name_is_an_error_all_the_same(tmp_path):
    with (tmp_path / FILE).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(StudyBusy, match="another process, which has not written its name into the lock"):
            holder(tmp_path)


def test_a_file_system_without_locks_is_one_clear_error(tmp_path, monkeypatch):
    """No such file system is at hand, so the system call answers as it would there."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with (
        pytest.raises(UserMistake, match=r"lock: this file system has no file locks .*--studies"),
        study_lock(tmp_path),
    ):
        pass


def test_a_lock_file_that_is_a_link_to_elsewhere_is_refused(tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("precious")
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / FILE).symlink_to(outside)
    with pytest.raises(UserMistake, match="cannot be opened to lock the study"), study_lock(tmp_path / "study"):
        pass
    assert outside.read_text() == "precious"
