"""What cannot be shown is dropped or written otherwise; the work goes on, and the exit code says how it ended."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.project import PROJECT

WORK = """
import sys
from pathlib import Path
from trainables.command_line import as_process

def main():
    for line in range(5000):
        print(line, "±", "é", sys.argv[2:] or "", flush=line % 100 == 0)
    Path(sys.argv[1]).write_text("done")
    return 0

sys.exit(as_process(main))
"""


def command(done: Path) -> list[str]:
    return [sys.executable, "-c", WORK, str(done)]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(PROJECT), **more}


@pytest.mark.parametrize(("encoding", "line"), [("ascii", "0 +/- e"), ("latin-1", "0 ± é"), ("utf-8", "0 ± é")])
def test_characters_that_an_encoding_does_not_have_are_written_otherwise(
    tmp_path: Path, encoding: str, line: str
) -> None:
    done = subprocess.run(
        command(tmp_path / "done"), capture_output=True, check=False, env=environment(PYTHONIOENCODING=encoding)
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode(encoding).splitlines()[0].strip() == line


def test_a_reader_of_a_pipe_that_goes_away_changes_nothing(tmp_path: Path) -> None:
    process = subprocess.Popen(
        command(tmp_path / "done"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 0
    assert (tmp_path / "done").read_text() == "done"


def test_a_full_disk_under_the_output_is_told_once_and_by_the_exit_code(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command(tmp_path / "done"), stdout=full, stderr=subprocess.PIPE, check=False, env=environment(), text=True
        )
    assert done.returncode == 1
    assert done.stderr.startswith("Not all of standard output could be written: ")
    assert "No space left on device" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert (tmp_path / "done").read_text() == "done"


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_standard_files_are_no_files_of_ours(tmp_path: Path, closed: str) -> None:
    """Else the next file that is opened, a ledger say, would be the one that everybody prints to."""
    script = tmp_path / "work.py"
    script.write_text(WORK)
    ended = subprocess.run(
        f'"{sys.executable}" "{script}" "{tmp_path / "done"}" {closed}', shell=True, check=False, env=environment()
    )
    assert ended.returncode == 0
    assert (tmp_path / "done").read_text() == "done"


def test_a_terminal_that_is_closed_changes_nothing(tmp_path: Path) -> None:
    controller, terminal = os.openpty()
    process = subprocess.Popen(
        command(tmp_path / "done"), stdout=terminal, stderr=terminal, stdin=terminal, env=environment()
    )
    os.close(terminal)
    os.read(controller, 100)
    os.close(controller)
    assert process.wait() == 0
    assert (tmp_path / "done").read_text() == "done"
